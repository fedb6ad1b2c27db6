import { Option, type Command } from 'commander'

import {
  DEFAULT_CLIENTS,
  DEFAULT_MESSAGES,
  MOST_CLIENTS,
  MOST_MESSAGES,
  MOST_WORKERS,
  MOST_WORKERS_ASKED,
} from '../scenario/scenario-options.ts'
import { address, countTo, duration, timeout } from './arguments.ts'
import { scenarioCommand, TIMEOUT_MS, wrongScenario, type ScenarioArguments } from './scenario-command.ts'

/** `netgrace scenario`. */
export function addScenario(netgrace: Command, done: (exitCode: number) => void): void {
  netgrace
    .command('scenario')
    .summary('many clients talk to an echo server at the same time')
    .description(
      'Many clients connect at the same time, send numbered lines, and compare what comes back byte for byte.\n' +
        'Prints a line a client, the latency, what the server reports when it stops, and whether a handle is left.\n\n' +
        'Without --to, an echo server is started, and stopped, too.',
    )
    .addOption(new Option('--clients <n>', 'how many clients').argParser(countTo(MOST_CLIENTS)).default(DEFAULT_CLIENTS))
    .addOption(
      new Option('--messages <n>', 'how many messages each of them sends').argParser(countTo(MOST_MESSAGES)).default(DEFAULT_MESSAGES),
    )
    .addOption(new Option('--interval <time>', 'pause between a reply and the next message').argParser(duration).default(100, '100ms'))
    .addOption(new Option('--in <where>', 'where they run').choices(['inline', 'thread', 'process']).default('inline'))
    .addOption(
      new Option('--workers <n>', `threads or processes that share them (default: one each, up to ${MOST_WORKERS})`).argParser(
        countTo(MOST_WORKERS_ASKED),
      ),
    )
    .addOption(new Option('--to <address>', 'HOST:PORT or URL of an echo server').argParser(address))
    .addOption(new Option('--timeout <time>', `bound of the whole (default: ${TIMEOUT_MS / 1000}s and the pauses)`).argParser(timeout))
    .addOption(new Option('--json', 'print one JSON document, and nothing else'))
    .addHelpText(
      'after',
      `
Times are written 500ms, 3s or 1.5m.
Ctrl-C stops gracefully and prints the report; once more cuts what is left.

Exit code:
  0    everything came back, and nothing is left open
  1    not so
  2    wrong arguments
  130  stopped by SIGINT (Ctrl-C); 143 by SIGTERM

Examples:
  netgrace scenario
  netgrace scenario --clients 200 --messages 100 --interval 0
  netgrace scenario --in process
  netgrace scenario --clients 1000 --in thread --workers 4
  netgrace scenario --to 127.0.0.1:7 --timeout 5s --json`,
    )
    .action(async (options: ScenarioArguments, command: Command) => {
      const wrong = wrongScenario(options)
      if (wrong) command.error(`error: ${wrong}`)
      done(await scenarioCommand(options))
    })
}
