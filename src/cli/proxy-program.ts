import { Option, type Command } from 'commander'

import { DEFAULT_PROXY_HOST } from '../proxy/proxy-options.ts'
import { count, host, listenPort, seed, upstream } from './arguments.ts'
import { FaultPlans } from './fault-plans.ts'
import { faultTable } from './fault-specs.ts'
import { columns } from './layout.ts'
import { after, direction, links, probability } from './placement.ts'
import { proxyCommand, type ProxyArguments } from './proxy-command.ts'

/** `netgrace proxy`. */
export function addProxy(netgrace: Command, done: (exitCode: number) => void): void {
  const plans = new FaultPlans()
  netgrace
    .command('proxy')
    .summary('stands between a client and its server, with faults on demand')
    .description(
      'Listens, passes everything on to a server and back, with the faults you give.\n' +
        'Prints the life of each link: a client and its connection to the server.',
    )
    .addOption(
      new Option('--to <address>', 'the server: HOST:PORT, a URL, or the path of a unix socket').argParser(upstream).makeOptionMandatory(),
    )
    .addOption(new Option('--port <n>', 'where to listen; if it is taken, another').argParser(listenPort).default(0, 'a free one'))
    .addOption(new Option('--host <host>', 'the address to listen on').argParser(host).default(DEFAULT_PROXY_HOST, DEFAULT_PROXY_HOST))
    .addOption(new Option('--fault <fault>', 'what goes wrong; as many as you like').argParser((text) => plans.add(text)))
    .addOption(
      new Option('--direction <way>', 'upstream (to the server), downstream, or both (default: both)').argParser((text) =>
        plans.place('direction', direction(text)),
      ),
    )
    .addOption(
      new Option('--after <what>', 'not before bytes=N, match=TEXT, ms=TIME').argParser((text) => plans.place('after', after(text))),
    )
    .addOption(new Option('--links <n>', 'only on these links: 2, or 1,3, or 5-8').argParser((text) => plans.place('links', links(text))))
    .addOption(
      new Option('--times <n>', 'on so many links at most (UDP: datagrams)').argParser((text) => plans.place('times', count(text))),
    )
    .addOption(
      new Option('--probability <p>', 'on such a share of the links (UDP: datagrams)').argParser((text) =>
        plans.place('probability', probability(text)),
      ),
    )
    .addOption(new Option('--seed <n>', 'decides all that is random (default: another one each time)').argParser(seed))
    .addOption(new Option('--udp', 'pass on datagrams instead'))
    .addOption(new Option('--json', 'print an object of JSON a line'))
    .addHelpText(
      'after',
      `
What goes wrong (--fault NAME or --fault NAME:OPTION=VALUE,OPTION=VALUE):
${table('TCP')}
With --udp:
${table('UDP')}

Where and when: --direction, --after, --links, --times and --probability belong
to the --fault before them. Before the first --fault they are for all faults
that do not say otherwise. --after counts from the link's opening; several are
joined by commas, and all must hold: bytes=1000,ms=2s. match=/GET \\w+/ is a
regular expression. What is waited for still passes.

Times are written 500ms, 3s or 1.5m. On a terminal, a line of totals a second.
The server is dialled for each link, and never otherwise; where nothing listens,
the link's client is reset.
Ctrl-C or SIGTERM stops gracefully: each link has 1 s to finish, then the report
is printed; once more cuts what is left. A fault that met nothing is said there.

Exit code:
  0  stopped, and every link had finished
  1  the server was never reached, or could not listen, or links had to be cut
  2  wrong arguments

Examples:
  netgrace proxy --to 127.0.0.1:5432
  netgrace proxy --to 127.0.0.1:8080 --fault latency:ms=100,jitterMs=20
  netgrace proxy --to redis://127.0.0.1:6379 --fault stall --after match=GET
  netgrace proxy --to 127.0.0.1:8080 --port 9000 \\
    --fault slicer:size=10 --direction upstream \\
    --fault reset --direction downstream --after bytes=1000 --links 2-
  netgrace proxy --to 127.0.0.1:53 --udp --fault drop --probability 0.2`,
    )
    .action(async (options: ProxyArguments, command: Command) => {
      const wrong = plans.wrong(options.udp ?? false)
      if (wrong) command.error(`error: ${wrong}`)
      done(await proxyCommand(options, plans))
    })
}

function table(on: 'TCP' | 'UDP'): string {
  return columns(faultTable(on), [0, 1])
    .map((line) => `  ${line}`)
    .join('\n')
}
