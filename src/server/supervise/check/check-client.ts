import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import type { Socket } from 'node:net'

import { now } from '../../../timeline/clock.ts'
import { CLOSING_MS, type CheckCounts } from './check-report.ts'

/** What all clients of a check share. */
export interface CheckRun {
  readonly counts: CheckCounts
  readonly url: URL
  /** `http.request`, or `https.request`. */
  readonly request: (url: URL, options: RequestOptions, onResponse: (response: IncomingMessage) => void) => ClientRequest
  /** When `stop()` was called; what had been sent by `readMs`, a server of this process had read before. */
  stopCalled: { readonly atMs: number; readonly readMs: number } | undefined
  /** Nobody asks any more, and what closes now is closed by us. */
  over: boolean
}

/** One request, and what is known of it. */
interface Asked {
  readonly atMs: number
  readonly afterStop: boolean
  answerAtMs: number | undefined
}

/** A client with one kept-alive connection, that asks without a pause until it is turned away. */
export class CheckClient {
  /** How many answers it has had. */
  answered = 0
  /** What it was told instead of an answer before `stop()` was called. */
  failedBefore: Error | undefined
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
    const { counts, url, stopCalled } = this.#run
    counts.requests++
    const asked: Asked = { atMs: now(), afterStop: stopCalled !== undefined, answerAtMs: undefined }
    return new Promise((resolve) => {
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
    const couldSayIt = asked.afterStop || isLate(this.#run, asked.answerAtMs!)
    const saysIt = /\bclose\b/i.test(response.headers.connection ?? '')
    this.#silent = couldSayIt && !saysIt ? socket : undefined
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
function isLate({ stopCalled }: CheckRun, atMs: number): boolean {
  return stopCalled !== undefined && atMs - stopCalled.atMs > CLOSING_MS
}
