import { Argument, Option, type Command } from 'commander'

import { address, host, port, serverName } from './arguments.ts'
import { clientCommand } from './client-command.ts'
import { MODES } from './client-modes.ts'
import { certificateFile } from './pem.ts'
import { DEFAULT_PORT } from './server-program.ts'
import { targetOf, wrongTarget, type TargetArguments } from './target.ts'

interface ClientArguments extends TargetArguments {
  readonly mode: keyof typeof MODES
  readonly json?: true
}

const DEFAULT_HOST = 'localhost'

/** `netgrace client`. */
export function addClient(netgrace: Command, done: (exitCode: number) => void): void {
  netgrace
    .command('client')
    .summary('a client that says exactly how its connection ended')
    .description('Connects, reads or writes until the end, and prints how the connection ended.')
    .addArgument(new Argument('[address]', 'HOST:PORT, a URL, or the path of a unix socket').argParser(asWritten))
    .addOption(new Option('--host <host>', 'where to, without an address').argParser(host).default(DEFAULT_HOST, DEFAULT_HOST))
    .addOption(new Option('--port <n>', 'its port').argParser(port).default(DEFAULT_PORT))
    .addOption(new Option('--mode <mode>', 'what it does').choices(Object.keys(MODES)).default('read'))
    .addOption(new Option('--tls', 'by TLS; a URL such as tls://… or https://… says so itself'))
    .addOption(new Option('--ca <file>', 'trust this certificate (PEM), and no other').argParser(certificateFile))
    .addOption(new Option('--servername <name>', 'the name that the server is to prove (default: its host)').argParser(serverName))
    .addOption(new Option('--json', 'print an object of JSON a line'))
    .addHelpText(
      'after',
      `
What it does (--mode):
  read         prints what comes, until the end
  write        sends a numbered line each second, until the end
  interactive  sends the lines that you type, and prints what comes; an empty
               line (or Ctrl-D) closes

A pipe or a file is given the bytes as they come. On a terminal a control
character of the peer is written (\\u001b), not obeyed; in JSON, too.

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
  netgrace client 127.0.0.1:8080
  netgrace client --mode interactive
  netgrace client --host 127.0.0.1 --port 7 --mode write --json
  netgrace client tls://localhost:8443 --ca cert.pem`,
    )
    .action(async (to: string | undefined, options: ClientArguments, command: Command) => {
      const given = ['host', 'port'].filter((name) => command.getOptionValueSource(name) === 'cli')
      const wrong = wrongTarget(to, given, options)
      if (wrong) command.error(`error: ${wrong}`)
      done(await clientCommand(targetOf(to, options), options.mode, options.json ?? false))
    })
}

/** Checked; it stays text, for its scheme. */
function asWritten(text: string): string {
  address(text)
  return text
}
