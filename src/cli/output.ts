import { onAbort } from '../lifetime/on-abort.ts'
import { waitFor } from '../lifetime/wait.ts'
import { visible } from '../model/visible.ts'
import { OWN_STYLES, paintFor, type Paint } from './paint.ts'

/** What a terminal is taken for that says it has 0 columns: some have not been given their size yet. */
export const USUAL_COLUMNS = 80

/**
 * Standard output or standard error, as all commands write to it.
 *
 * 1. {@link print} lets nothing through that a terminal would obey but our own styles, wherever it goes; only {@link pass}
 *    gives the bytes of a peer as they are, and only to what is no terminal.
 * 2. A write that fails throws nothing. What comes after it is dropped, and {@link onFailure} is told.
 */
export class Output {
  readonly name: string
  /** Why it cannot be written to. `EPIPE`: its reader has seen enough. */
  failure: NodeJS.ErrnoException | undefined
  readonly #stream: NodeJS.WriteStream
  readonly #onFailure = new Set<(failure: NodeJS.ErrnoException) => void>()

  constructor(name: string, stream: NodeJS.WriteStream) {
    this.name = name
    this.#stream = stream
    stream.on('error', (error: NodeJS.ErrnoException) => this.#failed(error))
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY
  }

  /** Lines are broken for a terminal; a file or a pipe is for programs that search, and terminals that break lines themselves. */
  get columns(): number {
    return this.isTerminal ? this.#stream.columns || USUAL_COLUMNS : Infinity
  }

  /** Whether a line can be redrawn here. */
  get redraws(): boolean {
    return this.isTerminal && process.env['TERM'] !== 'dumb'
  }

  get paint(): Paint {
    return paintFor(this.#stream)
  }

  /** Text of ours, which may quote a peer. */
  print(text: string): void {
    this.#write(this.isTerminal ? text.split(OWN_STYLES).map(visibleBetween).join('') : visible(text))
  }

  /** Bytes of a peer. A terminal is given text instead, by {@link print}. */
  pass(bytes: Buffer): void {
    this.#write(bytes)
  }

  /** Moves the cursor, on a terminal. */
  control(sequence: string): void {
    this.#write(sequence)
  }

  /** Resolves when it takes more, or cannot be written to any more, or `stop` aborts. */
  async drained(stop: AbortSignal): Promise<void> {
    if (!this.#stream.writableNeedDrain || this.failure) return
    const waiting = waitFor(this.#stream, ['drain', 'error', 'close'])
    let forget = (): void => {}
    const stopped = new Promise<void>((resolve) => {
      forget = onAbort(stop, () => resolve())
    })
    await Promise.race([waiting.happened, stopped])
    waiting.cancel()
    forget()
  }

  /** Calls `act` once it cannot be written to. Returns the way to forget it. */
  onFailure(act: (failure: NodeJS.ErrnoException) => void): () => void {
    if (this.failure) act(this.failure)
    else this.#onFailure.add(act)
    return () => void this.#onFailure.delete(act)
  }

  /** A file is written to at once, and throws at once. */
  #write(data: string | Buffer): void {
    if (this.failure) return
    try {
      this.#stream.write(data)
    } catch (error) {
      this.#failed(error as NodeJS.ErrnoException)
    }
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (this.failure) return
    this.failure = error
    const acts = [...this.#onFailure]
    this.#onFailure.clear()
    for (const act of acts) act(error)
  }
}

/** Of a split at our styles, each second part is one. */
function visibleBetween(part: string, n: number): string {
  return n % 2 === 0 ? visible(part) : part
}

export const stdout: Output = new Output('stdout', process.stdout)
export const stderr: Output = new Output('stderr', process.stderr)
