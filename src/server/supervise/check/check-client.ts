import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import type { Socket } from 'node:net'

import { now } from '../../../timeline/clock.ts'
import type { CheckCounts } from './check-report.ts'

/** What all clients of a check share. */
export interface CheckRun {
  readonly counts: CheckCounts
  readonly url: URL
  /** `http.request`, or `https.request`. */
  readonly request: (url: URL, options: RequestOptions, onResponse: (response: IncomingMessage) => void) => ClientRequest
  /** When `stop()` was called; what had been sent by `readMs`, a server of this process had read before. */
  stopCalled: { readonly atMs: number; readonly readMs: number } | undefined
  /** How long after that it may accept, and answer as before. */
  readonly acceptsForMs: number
  /** From when on its listener must have closed, and its answers say that they are the last; `undefined` until then. */
  lateFromMs: number | undefined
  /** The kind of the worst status before, by its first digit. */
  worstBefore: number
  /** Nobody asks any more, and what closes now is closed by us. */
  over: boolean
}

/** One request, and what is known of it. */
interface Asked {
  readonly atMs: number
  answerAtMs: number | undefined
}

/** A client with one kept-alive connection, that asks without a pause until it is turned away. */
export class CheckClient {
  /** How many answers it has had. */
  answered = 0
  /** What it was told instead of an answer before `stop()` was called. */
  failedBefore: Error | undefined
  /** The request that is under way. */
  underWay: ClientRequest | undefined
  readonly #run: CheckRun
  readonly #agent: Agent
  #turnedAway = false
  /** The connection whose last answer should have said that it closes. */
  #silent: Socket | undefined

  constructor(run: CheckRun, agent: Agent) {
    this.#run = run
    this.#agent = agent
  }

  async askOn(): Promise<void> {
    while (!this.#run.over && !this.#turnedAway && !this.failedBefore) await this.ask()
    this.#agent.destroy()
  }

  /** Once. Resolves whatever came of it. */
  ask(): Promise<void> {
    const { counts, url } = this.#run
    counts.requests++
    const asked: Asked = { atMs: now(), answerAtMs: undefined }
    return new Promise((done) => {
      const resolve = (): void => {
        this.underWay = undefined
        done()
      }
      const request = this.#run.request(url, { agent: this.#agent }, (response) => {
        asked.answerAtMs = now()
        response.resume()
        response.on('error', () => {}) // told by its `close`
        response.on('close', () => {
          if (response.complete) this.#gotAnswer(asked, response, request.socket!)
          else this.#gotNone(asked, request, new Error('the answer broke off'))
          resolve()
        })
      })
      request.on('socket', (socket) => this.#onSocket(asked, request, socket))
      request.on('error', (error) => {
        if (asked.answerAtMs !== undefined) return
        this.#gotNone(asked, request, error)
        resolve()
      })
      this.underWay = request
      request.end()
    })
  }

  #onSocket(asked: Asked, request: ClientRequest, socket: Socket): void {
    if (request.reusedSocket) return
    socket.once('connect', () => {
      if (isLate(this.#run, asked.atMs)) this.#run.counts.acceptedAfterStop++
    })
    socket.once('close', () => {
      if (this.#silent === socket && !this.#run.over) this.#run.counts.closedWithoutHeader++
    })
  }

  #gotAnswer(asked: Asked, response: IncomingMessage, socket: Socket): void {
    this.answered++
    this.#judgeStatus(response.statusCode!)
    const couldSayIt = isAfterStop(this.#run, asked.atMs) || isLate(this.#run, asked.answerAtMs!)
    const saysIt = /\bclose\b/i.test(response.headers.connection ?? '')
    this.#silent = couldSayIt && !saysIt ? socket : undefined
  }

  #judgeStatus(status: number): void {
    const kind = Math.floor(status / 100)
    if (!this.#run.stopCalled) this.#run.worstBefore = Math.max(this.#run.worstBefore, kind)
    else if (kind >= 4 && kind > this.#run.worstBefore) this.#run.counts.worsened++
  }

  #gotNone(asked: Asked, request: ClientRequest, error: Error): void {
    const { counts, stopCalled, over } = this.#run
    if (over) return // we have cut it ourselves
    if (!stopCalled) this.failedBefore = error
    else if (asked.answerAtMs !== undefined || asked.atMs <= stopCalled.readMs) counts.lost++
    else if (request.reusedSocket) counts.resetWhileIdle++
    else this.#turnedAway = true
  }
}

/** Whether a server that closes its listener first would not accept, or would have told, at that time. */
function isLate({ lateFromMs }: CheckRun, atMs: number): boolean {
  return lateFromMs !== undefined && atMs > lateFromMs
}

/** Whether it was asked when it might not answer as before any more. */
function isAfterStop({ stopCalled, acceptsForMs }: CheckRun, atMs: number): boolean {
  return stopCalled !== undefined && atMs - stopCalled.atMs > acceptsForMs
}
