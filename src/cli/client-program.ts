import { Option, type Command } from 'commander'

import { port } from './arguments.ts'
import { clientCommand, type ClientArguments } from './client-command.ts'
import { MODES } from './client-modes.ts'
import { DEFAULT_PORT } from './server-program.ts'

/** `netgrace client`. */
export function addClient(netgrace: Command, done: (exitCode: number) => void): void {
  netgrace
    .command('client')
    .summary('a client that says exactly how its connection ended')
    .description('Connects, reads or writes until the end, and prints how the connection ended.')
    .addOption(new Option('--host <host>', 'where to').default('localhost', 'localhost'))
    .addOption(new Option('--port <n>', 'its port').argParser(port).default(DEFAULT_PORT))
    .addOption(new Option('--mode <mode>', 'what it does').choices(Object.keys(MODES)).default('read'))
    .addOption(new Option('--json', 'print an object of JSON a line'))
    .addHelpText(
      'after',
      `
What it does (--mode):
  read         prints what comes, until the end
  write        sends a numbered line each second, until the end
  interactive  sends the lines that you type, and prints what comes; an empty
               line (or Ctrl-D) closes

The last line says how the connection ended:
  EOF      with a goodbye: FIN, from us or from the peer
  RST      reset
  CLOSED   dropped here
  REFUSED  nobody listens there
  TIMEOUT  no answer in time
  LOST     the system gave the peer up
  ERROR    anything else

Ctrl-C or SIGTERM closes gracefully, and waits 1 s for the peer's FIN; once more
resets.

Exit code:
  0    the connection ended with a goodbye (EOF)
  1    it ended in another way, or there was none
  2    wrong arguments
  130  stopped by SIGINT (Ctrl-C); 143 by SIGTERM

Examples:
  netgrace client --port 8080
  netgrace client --mode interactive
  netgrace client --host 127.0.0.1 --port 7 --mode write --json`,
    )
    .action(async (options: ClientArguments) => done(await clientCommand(options)))
}
