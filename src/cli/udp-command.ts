import { startUdpEchoServer } from '../server/udp/start-udp-echo-server.ts'
import type { UdpStopReport } from '../server/udp/udp-server.ts'
import { formatMs } from './duration.ts'
import { onFreePort, otherPort } from './free-port.ts'
import { Interrupts } from './interrupts.ts'
import { labelled } from './layout.ts'
import { paintFor } from './paint.ts'
import type { ServerArguments } from './server-command.ts'
import { sheetWidth, tellOn } from './tell.ts'
import { counted } from './verdict.ts'

/** Sends datagrams back until it is told to stop, and gives the exit code. */
export async function udpCommand({ host, port: wanted, json }: ServerArguments): Promise<number> {
  using interrupts = new Interrupts()
  const tell = tellOn(process.stdout, json ?? false)
  const paint = paintFor(process.stdout)
  const server = await onFreePort({ host, port: wanted }, startUdpEchoServer)
  const { url, port } = server
  tell(
    'listening',
    { url, host: server.host, port, wanted },
    ...otherPort(wanted, port, paint),
    `listening on ${paint('bold', url)}: echo; Ctrl-C stops`,
  )
  const report = await new Promise<UdpStopReport>((resolve) => {
    interrupts.onFirst(() => resolve(server.stop()))
    interrupts.onSecond(() => void server.stop({ graceMs: 0 }))
  })
  const ok = report.errors.length === 0
  const { received, answered, peers, errors, durationMs } = report
  const words = `stopped: ${counted(received, 'datagram')} from ${counted(peers, 'peer')}, ${answered} answered (${formatMs(durationMs)})`
  tell(
    'stopped',
    { ok, report },
    paint(ok ? 'green' : 'red', words),
    ...errors.flatMap(({ message }) => labelled('', message, sheetWidth())),
  )
  return ok ? 0 : 1
}
