import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

import { against, printIfMain } from './harness/bench.mjs'
import { alternate, median, ratios, spread } from './harness/figures.mjs'
import { Peer } from './harness/peer.mjs'
import { settings } from './harness/settings.mjs'

const VITEST = join(createRequire(import.meta.url).resolve('vitest/package.json'), '../vitest.mjs')
const CONFIG = fileURLToPath(new URL('parts/leaks/vitest.config.mjs', import.meta.url))

const WORDS = { none: 'none', file: 'netgrace, by file', test: 'netgrace, by test', detector: "Vitest's `--detect-async-leaks`" }
const LOOPS = { echo: ['10 × 10 echo', '≤ 1.1'], connect: ['connect and close', '≤ 1.2'] }

/** By how much less the slow detector is asked to do: it takes ten times as long. */
const SCALE = { detector: 0.2 }

const HANDLES = 1000

/** What watching costs: beside nothing, and beside the runner's own detector, on one test file. */
export const bench = {
  name: 'leaks',
  title: 'The leak check',
  async run({ rounds }) {
    const folder = mkdtempSync(join(tmpdir(), 'netgrace-bench-'))
    const result = join(folder, 'result.json')
    try {
      const results = await alternate(['turns', ...Object.keys(WORDS)], rounds, (variant) =>
        variant === 'turns' ? vitest('turns', {}, result) : loops(variant, result),
      )
      return [turnsOf(results.get('turns')), Object.keys(WORDS).flatMap((variant) => rowsOf(variant, results)), [await clean()]]
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
}

/** Milliseconds of each loop, as of a whole one. */
async function loops(variant, result) {
  const scale = SCALE[variant] ?? 1
  const took = await vitest('loops', { at: variant, scale, flags: variant === 'detector' ? ['--detect-async-leaks'] : [] }, result)
  return Object.fromEntries(Object.keys(LOOPS).map((loop) => [loop, took[loop] / scale]))
}

/** What the file wrote. */
async function vitest(file, { at = '', scale = 1, flags = [] }, result) {
  await promisify(execFile)(process.execPath, [VITEST, 'run', '--config', CONFIG, ...flags], {
    env: {
      ...process.env,
      NETGRACE_BUILD: pathToFileURL(settings.library).href,
      NETGRACE_BENCH_FILE: file,
      NETGRACE_BENCH_AT: at,
      NETGRACE_BENCH_SCALE: String(scale),
      NETGRACE_BENCH_RESULT: result,
    },
  })
  return JSON.parse(readFileSync(result, 'utf8'))
}

/** The median of each process's rounds; then of the processes. */
function turnsOf(processes) {
  return Object.entries(LOOPS).map(([loop, [what, target]]) => {
    const ofNone = (way) => processes.map((took) => median(took[loop].map((ms) => ms[way] / ms.none)))
    return {
      'in Vitest, by turns in one process': what,
      rounds: processes.reduce((sum, took) => sum + took[loop].length, 0),
      'the least, of not watched': spread(ofNone('least')),
      'netgrace, of not watched': spread(ofNone('watched')),
      ...against(median(ofNone('watched')), target),
    }
  })
}

function rowsOf(variant, results) {
  return Object.entries(LOOPS).map(([loop, [what]]) => {
    const msOf = (one) => results.get(one).map((round) => round[loop])
    return {
      'in Vitest, a process each': loop === 'connect' ? `10,000 × ${what}` : what,
      check: WORDS[variant],
      ms: spread(msOf(variant), 0),
      'of none': variant === 'none' ? '' : spread(ratios(msOf(variant), msOf('none'))),
    }
  })
}

async function clean() {
  const peer = new Peer('clean-check')
  try {
    const tookMs = await peer.call('check', HANDLES)
    return {
      'a check that finds nothing': `${HANDLES.toLocaleString('en-US')} handles open elsewhere`,
      ms: spread(tookMs, 3),
      ...against(median(tookMs), '≤ 1'),
    }
  } finally {
    await peer.end()
  }
}

await printIfMain(import.meta.url, bench)
