import { Option, type Command } from 'commander'

import { DEFAULT_HOST } from '../server/server-options.ts'
import { duration, host, listenPort } from './arguments.ts'
import { certificateFile, keyFile } from './pem.ts'
import { HANDLERS, serverCommand, wrongServer, type ServerArguments } from './server-command.ts'
import { udpCommand } from './udp-command.ts'

/** What a person would expect to find free, and be able to type. */
export const DEFAULT_PORT = 8080

/** `netgrace server`. */
export function addServer(netgrace: Command, done: (exitCode: number) => void): void {
  netgrace
    .command('server')
    .summary('a server to try a client on, which ends its connections as you say')
    .description(
      'Listens, and prints where; then the life of each connection, a line at a time,\n' +
        'and when it is told to stop, what became of all of them.',
    )
    .addOption(new Option('--port <n>', 'where to listen; if it is taken, another').argParser(listenPort).default(DEFAULT_PORT))
    .addOption(new Option('--host <host>', 'the address to listen on').argParser(host).default(DEFAULT_HOST, DEFAULT_HOST))
    .addOption(new Option('--handler <what>', 'what it does').choices(Object.keys(HANDLERS)).default('echo'))
    .addOption(new Option('--close <how>', 'end each connection').choices(['graceful', 'immediate', 'half', 'never']))
    .addOption(new Option('--delay <time>', 'so long after it was accepted').argParser(duration))
    .addOption(new Option('--udp', 'send datagrams back instead').conflicts(['handler', 'close', 'delay', 'tlsCert', 'tlsKey']))
    .addOption(new Option('--tls-cert <file>', 'TLS, with this certificate (PEM)').argParser(certificateFile))
    .addOption(new Option('--tls-key <file>', 'and this key (PEM)').argParser(keyFile))
    .addOption(new Option('--json', 'print an object of JSON a line'))
    .addHelpText(
      'after',
      `
What it does (--handler):
  echo       sends back what comes (RFC 862)
  drip       sends a line "packet #n" each second, and drops what comes
  discard    reads, and says nothing (RFC 863)

How it ends each connection (--close), without which that is left to the peer:
  graceful   FIN, then reads on and discards until the peer's FIN
  half       FIN, and goes on reading and discarding
  immediate  RST
  never      does not answer the peer's FIN: a half-open peer

Times are written 500ms, 3s or 1.5m.
Ctrl-C or SIGTERM stops gracefully: each connection has 1 s to finish, then the
report is printed; once more cuts what is left.

Exit code:
  0  stopped, and every connection had finished
  1  could not listen, or connections had to be cut, or a handler failed
  2  wrong arguments

Examples:
  netgrace server
  netgrace server --handler drip --close immediate --delay 3s
  netgrace server --port 0 --json
  netgrace server --tls-cert cert.pem --tls-key key.pem`,
    )
    .action(async (options: ServerArguments, command: Command) => {
      const wrong = wrongServer(options)
      if (wrong) command.error(`error: ${wrong}`)
      done(await (options.udp ? udpCommand(options) : serverCommand(options)))
    })
}
