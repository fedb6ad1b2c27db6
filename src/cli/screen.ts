import { LiveLine } from './live-line.ts'
import { stderr, stdout } from './output.ts'
import { tellOn, type Tell } from './tell.ts'

/** What is told on stdout, with a line of totals below it on a terminal. */
export class Screen implements Disposable {
  readonly json: boolean
  readonly tell: Tell
  readonly #line: LiveLine | undefined

  constructor(json: boolean) {
    this.json = json
    const tell = tellOn(stdout, json)
    const line = json || !stderr.redraws ? undefined : new LiveLine(stderr)
    this.#line = line
    this.tell = line ? (event, facts, ...words) => line.above(() => tell(event, facts, ...words)) : tell
  }

  /** Totals that have changed, as a line for people and as facts for machines. */
  totals(facts: object, words: string): void {
    if (this.json) this.tell('totals', facts)
    else if (this.#line) this.#line.show(words.length > this.#line.room ? `${words.slice(0, this.#line.room - 1)}…` : words)
  }

  [Symbol.dispose](): void {
    this.#line?.[Symbol.dispose]()
  }
}
