import getPort from 'get-port'

import { describeEnding } from '../model/describe-ending.ts'
import type { Connection, Handler } from '../model/connection.ts'
import { formatEndpoint } from '../model/endpoint.ts'
import type { StopReport } from '../model/stop-report.ts'
import { turn } from '../lifetime/timers.ts'
import type { Closing } from '../server/closing.ts'
import type { GracefulServer } from '../server/graceful-server.ts'
import { handlers } from '../server/handlers/handlers.ts'
import { DEFAULT_GRACE_MS, type ServerOptions } from '../server/server-options.ts'
import { startServer } from '../server/start-server.ts'
import { now } from '../timeline/clock.ts'
import { formatMs } from './duration.ts'
import { Interrupts, type Interrupt } from './interrupts.ts'
import { labelled } from './layout.ts'
import { paintFor, type Paint } from './paint.ts'
import { stopped } from './scenario-text.ts'
import { sheetWidth, tellOn, type Tell } from './tell.ts'
import { counted, isClean } from './verdict.ts'

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

export const HANDLERS = { echo: handlers.echo, drip: handlers.drip, discard: handlers.discard } as const

/** What no single option can say; nothing if they go together. */
export function wrongServer({ close, delay, tlsCert, tlsKey }: ServerArguments): string | undefined {
  if (delay !== undefined && (!close || close === 'never')) return '--delay goes with --close graceful, immediate or half'
  if ((tlsCert === undefined) !== (tlsKey === undefined)) return '--tls-cert and --tls-key go together'
  return undefined
}

/** Serves until it is told to stop, tells the life of each connection, and gives the exit code. */
export async function serverCommand(options: ServerArguments): Promise<number> {
  using interrupts = new Interrupts()
  const life = new Life(tellOn(process.stdout, options.json ?? false))
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

/** The one that was asked for, or, where somebody has it, another. */
async function freePort({ port, host }: ServerArguments): Promise<number> {
  if (port === 0) return 0
  try {
    return await getPort({ port, host })
  } catch {
    return port // no such host: listening says that better
  }
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
  readonly #tell: Tell
  readonly #paint: Paint = paintFor(process.stdout)
  readonly #startedAtMs = now()

  constructor(tell: Tell) {
    this.#tell = tell
  }

  listening({ host, port, url }: GracefulServer, options: ServerArguments): void {
    const taken = options.port !== 0 && port !== options.port
    this.#tell(
      'listening',
      { url, host, port, wanted: options.port },
      ...(taken ? [this.#paint('yellow', `port ${options.port} is not free: another one it is`)] : []),
      ...labelled('', `listening on ${this.#paint('bold', url)}: ${manner(options)}; Ctrl-C stops`, sheetWidth()),
    )
  }

  connected(connection: Connection, staysOpen: boolean): void {
    const { id, local, peer } = connection
    this.#tell('connected', { id, local, peer, atMs: this.#atMs() }, ...this.#line(id, `connected from ${formatEndpoint(peer)}`))
    let over = false
    void connection.ended.then((ending) => {
      over = true
      const words = this.#paint(ending.kind === 'eof' ? 'green' : 'red', describeEnding(ending))
      const bytes = `(${ending.bytesRead} B in, ${ending.bytesWritten} B out)`
      this.#tell('ended', { id, ending, atMs: this.#atMs() }, ...this.#line(id, `${words} ${bytes}`))
    })
    if (!staysOpen) return
    connection.socket.once('end', () => {
      void turn().then(() => {
        if (!over) this.#tell('half-closed', { id, atMs: this.#atMs() }, ...this.#line(id, 'the peer half-closed, and is not answered'))
      })
    })
  }

  stopping(interrupt: Interrupt, live: number): void {
    const grace = live === 0 ? '' : `, ${counted(live, 'connection')} may finish within ${DEFAULT_GRACE_MS / 1000} s; again to cut them`
    this.#tell('stopping', { interrupt, live, atMs: this.#atMs() }, this.#paint('yellow', `${interrupt}: stopping${grace}`))
  }

  /** Gives the exit code. */
  stopped(report: StopReport): number {
    const ok = isClean(report)
    const words = labelled('', `stopped: ${stopped(report)}`, sheetWidth()).map((line) => this.#paint(ok ? 'green' : 'red', line))
    const errors = report.errors.flatMap(({ message }) => labelled('', `a handler failed: ${message}`, sheetWidth()))
    this.#tell('stopped', { ok, report }, ...words, ...errors)
    return ok ? 0 : 1
  }

  #atMs(): number {
    return now() - this.#startedAtMs
  }

  #line(id: number, text: string): string[] {
    const time = `${(this.#atMs() / 1000).toFixed(3)} s`.padStart(10)
    return labelled(`${this.#paint('dim', time)}  ${`#${id}`.padEnd(4)} `, text, sheetWidth())
  }
}

function manner({ handler, close, delay = 0 }: ServerArguments): string {
  if (!close) return handler
  return `${handler}, ${close} close${close === 'never' ? '' : ` ${delay === 0 ? 'at once' : `after ${formatMs(delay)}`}`}`
}
