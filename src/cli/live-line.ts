import type { Output } from './output.ts'

/** What a terminal is sent to empty the line that the cursor stands in. */
const CLEAR = '\r\u001B[2K'

/** The last line of a terminal, written again and again; what is printed above it stays. */
export class LiveLine implements Disposable {
  readonly #output: Output
  #text = ''

  constructor(output: Output) {
    this.#output = output
  }

  /** What a line may hold: one that wraps cannot be redrawn, and Ctrl-C prints ^C behind it. */
  get room(): number {
    return Math.max(0, this.#output.columns - 4)
  }

  show(text: string): void {
    this.#text = text
    this.#output.control(CLEAR)
    this.#output.print(text)
  }

  /** Prints whole lines above it, whichever stream they go to. */
  above(print: () => void): void {
    this.#output.control(CLEAR)
    print()
    this.#output.print(this.#text)
  }

  /** Empties it. */
  [Symbol.dispose](): void {
    this.#output.control(CLEAR)
    this.#text = ''
  }
}
