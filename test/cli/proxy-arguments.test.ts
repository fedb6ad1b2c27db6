import { expect, test } from 'vitest'

import { netgrace } from './run.ts'

test.each([
  [
    '--to nowhere',
    "option '--to <address>' argument 'nowhere' is invalid. It must be HOST:PORT, a URL with host and port, or the path of a unix socket.",
  ],
  ['--seed 4294967296', "option '--seed <n>' argument '4294967296' is invalid. It must be a whole number from 0 to 4294967295."],
  [
    '--fault slow',
    "option '--fault <fault>' argument 'slow' is invalid. It must begin with one of latency, loss, bandwidth, stall, blackhole, reset, end, slowClose, slicer, corrupt, connectLatency, refuse, drop, duplicate, reorder.",
  ],
  ['--fault latency', "option '--fault <fault>' argument 'latency' is invalid. It needs ms, as in latency:ms=100."],
  [
    '--fault latency:100',
    "option '--fault <fault>' argument 'latency:100' is invalid. latency takes ms, jitterMs, as in latency:ms=100,jitterMs=20, got \"100\".",
  ],
  ['--fault stall:ms=1', "option '--fault <fault>' argument 'stall:ms=1' is invalid. stall takes no options, got \"ms=1\"."],
  [
    '--fault latency:ms=1h30m',
    "option '--fault <fault>' argument 'latency:ms=1h30m' is invalid. ms must be a time such as 100ms or 3s, or a number of milliseconds, got \"1h30m\".",
  ],
  ['--fault latency:ms=1,ms=2', "option '--fault <fault>' argument 'latency:ms=1,ms=2' is invalid. ms is given twice."],
  ['--fault slicer:size=0', "option '--fault <fault>' argument 'slicer:size=0' is invalid. size must be an integer ≥ 1, got 0."],
  [
    '--fault slicer:size=3,variation=3',
    "option '--fault <fault>' argument 'slicer:size=3,variation=3' is invalid. variation must be less than size, which is 3, got 3.",
  ],
  ['--fault corrupt:bits=x', "option '--fault <fault>' argument 'corrupt:bits=x' is invalid. bits must be a number, got \"x\"."],
  ['--direction up', "option '--direction <way>' argument 'up' is invalid. Allowed choices are upstream, downstream, both."],
  [
    '--after 1000',
    "option '--after <what>' argument '1000' is invalid. It must be bytes=N, match=TEXT, match=/REGEX/ or ms=TIME, or several, joined by commas.",
  ],
  ['--after bytes=1k', "option '--after <what>' argument 'bytes=1k' is invalid. bytes must be a whole number from 0, got \"1k\"."],
  ['--after ms=1,ms=2', "option '--after <what>' argument 'ms=1,ms=2' is invalid. ms is given twice."],
  [
    '--links 0',
    "option '--links <n>' argument '0' is invalid. It must be numbers of links, counted from 1 as they open: 2, or 1,3, or 5-8, or 10-.",
  ],
  [
    '--links 3-2',
    "option '--links <n>' argument '3-2' is invalid. It must be numbers of links, counted from 1 as they open: 2, or 1,3, or 5-8, or 10-.",
  ],
  ['--times 0', "option '--times <n>' argument '0' is invalid. It must be a whole number from 1."],
  ['--probability 20%', "option '--probability <p>' argument '20%' is invalid. It must be a number from 0 to 1."],
  ['--direction both', '--direction goes with a --fault'],
  [
    '--fault stall --direction upstream --direction downstream',
    "option '--direction <way>' argument 'downstream' is invalid. It is given twice for --fault stall.",
  ],
  ['--times 1 --times 2 --fault stall', "option '--times <n>' argument '2' is invalid. It is given twice for all faults."],
  [
    '--fault drop',
    '--fault drop goes with --udp; TCP sends again what is lost: there are latency, loss, bandwidth, stall, blackhole, reset, end, slowClose, slicer, corrupt, connectLatency, refuse',
  ],
  [
    '--udp --fault slicer:size=1',
    '--fault slicer does not go with --udp: there are latency, loss, bandwidth, stall, corrupt, drop, duplicate, reorder',
  ],
  ['--fault refuse --direction upstream', '--fault refuse: where.direction must be left out for refuse(), got "upstream"'],
  ['--links 2 --udp --fault drop', '--links does not go with --udp: there are --direction, --after, --probability and --times'],
])('netgrace proxy %s: one clear line on stderr, exit 2', async (args, line) => {
  const run = netgrace(`proxy --to 127.0.0.1:9 ${args}`) // nobody is there: what is wrong is said before anybody is asked
  expect(await run.ended).toBe(2)
  expect(run.stderr).toBe(`netgrace: ${line}\n`)
  expect(run.stdout).toBe('')
})
