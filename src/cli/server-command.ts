import type { Connection, Handler } from '../model/connection.ts'
import { formatEndpoint } from '../model/endpoint.ts'
import type { StopReport } from '../model/stop-report.ts'
import { turn } from '../lifetime/timers.ts'
import type { Closing } from '../server/closing.ts'
import type { GracefulServer } from '../server/graceful-server.ts'
import { handlers } from '../server/handlers/handlers.ts'
import { DEFAULT_GRACE_MS, type ServerOptions } from '../server/server-options.ts'
import { startServer } from '../server/start-server.ts'
import { Diary } from './diary.ts'
import { formatMs } from './duration.ts'
import { freePort, otherPort } from './free-port.ts'
import { Interrupts, type Interrupt } from './interrupts.ts'
import { labelled } from './layout.ts'
import { stopped } from './scenario-text.ts'
import { stdout } from './output.ts'
import { isPair } from './pem.ts'
import { sheetWidth, tellOn, type Tell } from './tell.ts'
import { isClean } from './verdict.ts'

export interface ServerArguments {
  readonly port: number
  readonly host: string
  readonly handler: keyof typeof HANDLERS
  readonly close?: Closing['how']
  readonly delay?: number
  readonly udp?: true
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly json?: true
}

/** So often `drip` drips: a person is to watch it. Milliseconds. */
export const DRIP_EVERY_MS = 1000

export const HANDLERS = { echo: handlers.echo, drip: () => handlers.drip({ everyMs: DRIP_EVERY_MS }), discard: handlers.discard } as const

/** What no single option can say; nothing if they go together. */
export function wrongServer({ close, delay, tlsCert, tlsKey }: ServerArguments): string | undefined {
  if (delay !== undefined && (!close || close === 'never')) return '--delay goes with --close graceful, immediate or half'
  if ((tlsCert === undefined) !== (tlsKey === undefined)) return '--tls-cert and --tls-key go together'
  if (tlsCert !== undefined && !isPair(tlsCert, tlsKey!)) return '--tls-key is not the key of --tls-cert'
  return undefined
}

/** Serves until it is told to stop, tells the life of each connection, and gives the exit code. */
export async function serverCommand(options: ServerArguments): Promise<number> {
  using interrupts = new Interrupts()
  const life = new Life(tellOn(stdout, options.json ?? false))
  const port = await freePort(options)
  const handler = HANDLERS[options.handler]()
  const watched: Handler = (connection, quit) => {
    life.connected(connection, options.close === 'never')
    return handler(connection, quit)
  }
  const server = await startServer(watched, serverOptions(options, port))
  life.listening(server, options)
  const report = new Promise<StopReport>((resolve) => {
    interrupts.onFirst((interrupt) => {
      life.stopping(interrupt, server.connections.size)
      resolve(server.stop())
    })
  })
  interrupts.onSecond(() => void server.stop({ graceMs: 0 }))
  return life.stopped(await report)
}

function serverOptions({ host, close, delay, tlsCert, tlsKey }: ServerArguments, port: number): ServerOptions {
  return {
    host,
    port,
    ...(close && { closing: { how: close, ...(delay !== undefined && { afterMs: delay }) } }),
    ...(tlsCert !== undefined && tlsKey !== undefined && { tls: { cert: tlsCert, key: tlsKey } }),
  }
}

/** What happens to a server and its connections, as it happens. */
class Life {
  readonly #diary: Diary

  constructor(tell: Tell) {
    this.#diary = new Diary(tell)
  }

  listening({ host, port, url }: GracefulServer, options: ServerArguments): void {
    const { paint, tell } = this.#diary
    tell(
      'listening',
      { url, host, port, wanted: options.port },
      ...otherPort(options.port, port, paint),
      ...labelled('', `listening on ${paint('bold', url)}: ${manner(options)}; Ctrl-C stops`, sheetWidth()),
    )
  }

  connected(connection: Connection, staysOpen: boolean): void {
    const { id, local, peer } = connection
    this.#diary.note('connected', id, { local, peer }, `connected from ${formatEndpoint(peer)}`)
    let over = false
    void connection.ended.then((ending) => {
      over = true
      const words = this.#diary.ending(ending)
      this.#diary.note('ended', id, { ending }, `${words} (${ending.bytesRead} B in, ${ending.bytesWritten} B out)`)
    })
    if (!staysOpen) return
    connection.socket.once('end', () => {
      void turn().then(() => {
        if (!over) this.#diary.note('half-closed', id, {}, 'the peer half-closed, and is not answered')
      })
    })
  }

  /** Gives the exit code. */
  stopped(report: StopReport): number {
    const { paint, tell } = this.#diary
    const ok = isClean(report)
    const words = labelled('', `stopped: ${stopped(report)}`, sheetWidth()).map((line) => paint(ok ? 'green' : 'red', line))
    const errors = report.errors.flatMap(({ message }) => labelled('', `a handler failed: ${message}`, sheetWidth()))
    tell('stopped', { ok, report }, ...words, ...errors)
    return ok ? 0 : 1
  }

  stopping(interrupt: Interrupt, live: number): void {
    this.#diary.stopping(interrupt, live, 'connection', DEFAULT_GRACE_MS)
  }
}

function manner({ handler, close, delay = 0 }: ServerArguments): string {
  if (!close) return handler
  return `${handler}, ${close} close${close === 'never' ? '' : ` ${delay === 0 ? 'at once' : `after ${formatMs(delay)}`}`}`
}
