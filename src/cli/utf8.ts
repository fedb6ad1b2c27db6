/** Bytes that come in pieces, as text: a byte order mark is part of it, and a character or a line's end is never cut. */
export class Utf8 {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  /** A `\r`, which is the half of a line's end or alone: what comes behind it says which. */
  #held = ''

  /** What is whole by now; it may be nothing. */
  push(chunk: Uint8Array): string {
    return this.#whole(this.#held + this.#decoder.decode(chunk, { stream: true }))
  }

  /** What was left; a character that was never finished is U+FFFD. */
  rest(): string {
    const text = this.#held + this.#decoder.decode()
    this.#held = ''
    return text
  }

  #whole(text: string): string {
    this.#held = text.endsWith('\r') ? '\r' : ''
    return text.slice(0, text.length - this.#held.length)
  }
}
