import { clearTicker, setTicker } from '../lifetime/timers.ts'
import { openUdpEcho } from '../server/udp/start-udp-echo-server.ts'
import type { UdpStopReport } from '../server/udp/udp-server.ts'
import { Diary } from './diary.ts'
import { formatMs } from './duration.ts'
import { onFreePort, otherPort } from './free-port.ts'
import { Interrupts } from './interrupts.ts'
import { labelled } from './layout.ts'
import { Screen } from './screen.ts'
import type { ServerArguments } from './server-command.ts'
import { sheetWidth } from './tell.ts'
import { Traffic } from './traffic.ts'
import { counted } from './verdict.ts'

/** How often is shown what has come. Milliseconds. */
const EVERY_MS = 1000

/** Sends datagrams back until it is told to stop, and gives the exit code. */
export async function udpCommand({ host, port: wanted, json }: ServerArguments): Promise<number> {
  using interrupts = new Interrupts()
  using screen = new Screen(json ?? false)
  const diary = new Diary(screen.tell)
  const traffic = new Traffic()
  const server = await onFreePort({ host, port: wanted }, (at) => openUdpEcho(at, traffic))
  const { url, port } = server
  diary.tell(
    'listening',
    { url, host: server.host, port, wanted },
    ...otherPort(wanted, port, diary.paint),
    ...labelled('', `listening on ${diary.paint('bold', url)}: echo; Ctrl-C stops`, sheetWidth()),
  )
  using _shown = showing(traffic, screen, diary)
  const report = await new Promise<UdpStopReport>((resolve) => {
    interrupts.onFirst((interrupt) => {
      diary.stopping(interrupt, 0)
      resolve(server.stop())
    })
    interrupts.onSecond(() => void server.stop({ graceMs: 0 }))
  })
  return stopped(report, diary)
}

/** Shows what has come, once a second if more has. */
function showing({ pieces }: Traffic, screen: Screen, diary: Diary): Disposable {
  let told = -1
  const show = (): void => {
    const { read: received, sent: answered } = pieces
    if (told === received + answered) return
    told = received + answered
    screen.totals({ received, answered, atMs: diary.atMs }, `${counted(received, 'datagram')} came, ${answered} answered`)
  }
  show()
  const ticker = setTicker(show, EVERY_MS)
  return { [Symbol.dispose]: () => clearTicker(ticker) }
}

function stopped(report: UdpStopReport, { tell, paint }: Diary): number {
  const ok = report.errors.length === 0
  const { received, answered, peers, errors, durationMs } = report
  const words = `stopped: ${counted(received, 'datagram')} from ${counted(peers, 'peer')}, ${answered} answered (${formatMs(durationMs)})`
  tell(
    'stopped',
    { ok, report },
    ...labelled('', words, sheetWidth()).map((line) => paint(ok ? 'green' : 'red', line)),
    ...errors.flatMap(({ message }) => labelled('', message, sheetWidth())),
  )
  return ok ? 0 : 1
}
