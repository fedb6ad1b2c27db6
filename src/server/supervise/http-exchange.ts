import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

import { packetUnderParse } from './inside-node.ts'

/**
 * What is under way on one HTTP/1 connection: the request that came last, and its answer.
 *
 * Until the end is near it notes the latest answer and no more: that happens thousands of times a second.
 */
export class HttpExchange {
  readonly #socket: Socket
  readonly #isIdle: (socket: Socket) => boolean | undefined
  #latest: ServerResponse | undefined
  /** The answer that says `Connection: close`. */
  #last: ServerResponse | undefined

  /** @param isIdle  Whether Node's parser waits for the next request; `undefined` where Node does not show it. */
  constructor(socket: Socket, isIdle: (socket: Socket) => boolean | undefined) {
    this.#socket = socket
    this.#isIdle = isIdle
  }

  get use(): 'unused' | 'busy' | 'idle' {
    if (!this.#latest) return this.#socket.bytesRead > 0 ? 'busy' : 'unused'
    return this.#latest.closed && this.#nothingArriving && !this.#socket.isPaused() ? 'idle' : 'busy'
  }

  /** `GET /slow`: the request that is being answered, of several the last. */
  get request(): string | undefined {
    if (!this.#latest || this.#latest.closed) return undefined
    const { method, url } = this.#latest.req
    return `${method} ${url}`
  }

  /** The answer that is under way, of several the last. */
  get answer(): ServerResponse | undefined {
    return this.#latest?.closed ? undefined : this.#latest
  }

  /** The last request, while its body is still coming. */
  get upload(): IncomingMessage | undefined {
    return this.#latest && !this.#latest.req.complete ? this.#latest.req : undefined
  }

  /** As {@link upload}, unless its handler has paused it and so would hold up for ever what comes. */
  get readUpload(): IncomingMessage | undefined {
    const { upload } = this
    return upload?.isPaused() && upload.listenerCount('readable') === 0 ? undefined : upload
  }

  begin(response: ServerResponse): void {
    this.#latest = response
  }

  /**
   * Has the latest answer say `Connection: close`, and no other, if it has not begun and no further request is known to
   * stand behind it: that would not be answered. Returns whether it was too early to know.
   *
   * @param whatever  Says it even if further requests may stand behind it.
   */
  announce(whatever: boolean): boolean {
    const { answer } = this
    if (!answer || answer.headersSent || answer === this.#last) return false
    if (!whatever && (this.#socket.isPaused() || !this.#nothingBehind(answer.req))) return true
    if (this.#last && !this.#last.headersSent) this.#last.setHeader('connection', 'keep-alive')
    this.#last = answer
    answer.setHeader('connection', 'close')
    return false
  }

  /** Takes the parser off the connection: what comes from now on is read and dropped, and handled by nobody. */
  detach(): void {
    const socket = this.#socket
    socket.on('data', () => {}) // Node's parser hands the reading over to the socket
    for (const listener of socket.listeners('data').slice(0, -1)) socket.off('data', listener as () => void)
    socket.resume()
    socket._read(0) // which `resume` leaves out if it was paused while the parser did the reading
  }

  get #nothingArriving(): boolean {
    return this.#isIdle(this.#socket) ?? this.#latest?.req.complete ?? false
  }

  #nothingBehind(request: IncomingMessage): boolean {
    if (this.#isIdle(this.#socket)) return true
    if (request.complete) return false // so it is another that is arriving
    const packet = packetUnderParse(this.#socket)
    const head = packet?.indexOf('\r\n\r\n') ?? -1
    if (!packet || head < 0) return true // it is the body of the request
    const behind = packet.subarray(head + 4)
    if (request.headers['transfer-encoding'] === undefined) return behind.length <= Number(request.headers['content-length'] ?? 0)
    const end = behind.indexOf('0\r\n\r\n')
    return end < 0 || end + 5 === behind.length
  }
}
