/** What a terminal is sent to empty the line that the cursor stands in. */
const CLEAR = '\r\u001B[2K'

/** The last line of a terminal, written again and again; what is printed above it stays. */
export class LiveLine implements Disposable {
  readonly #stream: NodeJS.WriteStream
  #text = ''

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  /** What a line may hold: one that wraps cannot be redrawn, and Ctrl-C prints ^C behind it. */
  get room(): number {
    return Math.max(0, this.#stream.columns - 4)
  }

  show(text: string): void {
    this.#text = text
    this.#stream.write(`${CLEAR}${text}`)
  }

  /** Prints whole lines above it, whichever stream they go to. */
  above(print: () => void): void {
    this.#stream.write(CLEAR)
    print()
    this.#stream.write(this.#text)
  }

  /** Empties it. */
  [Symbol.dispose](): void {
    this.#stream.write(CLEAR)
    this.#text = ''
  }
}

/** Whether a line can be redrawn there. */
export function redraws(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && process.env['TERM'] !== 'dumb'
}
