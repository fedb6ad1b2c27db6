import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

import { currentTurn } from './turn.ts'

/** What a record adds to its content, as far as its cipher makes that the same for each (RFC 8446 §5.2, RFC 5288 §3, RFC 7905 §2). */
const OVERHEAD: readonly [protocol: string, cipher: RegExp, bytes: number][] = [
  ['TLSv1.3', /^(?!.*CCM_8)/, 5 + 1 + 16],
  ['TLSv1.2', /GCM|CCM$/, 5 + 8 + 16],
  ['TLSv1.2', /CHACHA20/, 5 + 16],
]

/** An alert is a level and a description. */
const ALERT_BYTES = 2

/** A handle that gives each record that it has decrypted, and `undefined` at the end. */
interface Handle {
  onread?: (content: ArrayBuffer | undefined) => unknown
}

/**
 * Whether a TLS peer sent close_notify before its `end`. Node does not tell: both it and a bare FIN are an `end`. But a
 * close_notify is a record of a known size, so the bytes that came tell.
 *
 * Each record's content, with what its cipher adds, is counted against what was read from the TCP socket below. What is left
 * over at the `end` is nothing, an alert, or a record that was cut short.
 */
export class CloseNotify {
  readonly #socket: Socket
  readonly #raw: Socket
  readonly #overhead: number | undefined
  /** How much of their content was read. */
  #content: number
  /** What the records came to that were given so far. */
  #records = 0
  /** The fewest bytes that were read beyond those: the handshake's, and when nothing of a next record had come, no others. */
  #beside: number
  #turn = currentTurn()
  #blind = true

  /** @param socket  Its handshake is done. */
  constructor(socket: TLSSocket, raw: Socket) {
    this.#socket = socket
    this.#raw = raw
    this.#content = socket.bytesRead
    const [protocol, cipher] = [socket.getProtocol(), socket.getCipher()?.name ?? '']
    this.#overhead = OVERHEAD.find(([of, which]) => of === protocol && which.test(cipher))?.[2]
    this.#beside = raw.bytesRead
    this.#listen((socket as unknown as { readonly _handle?: Handle | null })._handle)
    if (protocol === 'TLSv1.3') socket.on('session', () => this.#sawTicket())
  }

  /** To be asked at the `end`. `unknown`: it may have come together with the last data. */
  get verdict(): 'came' | 'missing' | 'unknown' {
    if (this.#blind) return 'unknown'
    const left = this.#raw.bytesRead - this.#records - this.#beside
    if (left === 0) return this.#turn === currentTurn() ? 'unknown' : 'missing'
    if (this.#overhead === undefined) return 'came'
    return left === ALERT_BYTES + this.#overhead ? 'came' : 'missing'
  }

  #listen(handle: Handle | null | undefined): void {
    const onread = handle?.onread
    if (!handle || typeof onread !== 'function') return
    this.#blind = false
    handle.onread = (content) => {
      if (content) this.#sawRecord()
      return onread.call(handle, content)
    }
  }

  #sawRecord(): void {
    this.#turn = currentTurn()
    if (this.#overhead === undefined) {
      this.#beside = this.#raw.bytesRead
      return
    }
    const { bytesRead } = this.#socket // the buffer that it comes in may be larger
    this.#records += bytesRead - this.#content + this.#overhead
    this.#content = bytesRead
    this.#beside = Math.min(this.#beside, this.#raw.bytesRead - this.#records)
  }

  /** A session ticket has come, which is no content. */
  #sawTicket(): void {
    this.#turn = currentTurn()
    this.#beside = this.#raw.bytesRead - this.#records
  }
}
