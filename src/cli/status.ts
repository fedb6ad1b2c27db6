import { clearTicker, setTicker } from '../lifetime/timers.ts'
import { now } from '../timeline/clock.ts'
import type { ScenarioProgress } from '../scenario/progress.ts'
import { formatMs } from './duration.ts'
import { LiveLine } from './live-line.ts'
import type { Output } from './output.ts'

const REDRAW_MS = 80
const BAR = 20

/** Where a run has come to, for whoever watches. */
export interface Status extends Disposable {
  show(progress: ScenarioProgress): void
  /** Something that is said once. */
  say(text: string): void
}

/** One line that is redrawn on a terminal; elsewhere a plain line now and then, ever more rarely. */
export function statusOn(output: Output): Status {
  return output.redraws ? new LiveStatus(output) : new PlainStatus(output)
}

/** For a run that nobody watches. */
export const noStatus: Status = { show() {}, say() {}, [Symbol.dispose]() {} }

class LiveStatus implements Status {
  readonly #output: Output
  readonly #line: LiveLine
  readonly #startedAtMs = now()
  readonly #ticker = setTicker(() => this.#draw(), REDRAW_MS)
  #progress: ScenarioProgress | undefined

  constructor(output: Output) {
    this.#output = output
    this.#line = new LiveLine(output)
  }

  show(progress: ScenarioProgress): void {
    const first = !this.#progress
    this.#progress = progress
    if (first) this.#draw()
  }

  say(text: string): void {
    this.#line.above(() => this.#output.print(`${this.#output.paint('yellow', text)}\n`))
    this.#draw()
  }

  [Symbol.dispose](): void {
    clearTicker(this.#ticker)
    this.#line[Symbol.dispose]()
  }

  #draw(): void {
    if (!this.#progress) return
    const elapsed = `${((now() - this.#startedAtMs) / 1000).toFixed(1)} s`
    const { messages, echoed, mismatched, failed } = this.#progress
    const filled = Math.floor((BAR * (echoed + mismatched)) / messages)
    const facts = [elapsed, ...factsOf(this.#progress)].join('  ')
    const room = Math.max(0, this.#line.room - BAR - 4)
    const style = failed + mismatched > 0 ? 'red' : 'green'
    const bar = this.#output.paint(style, '━'.repeat(filled)) + this.#output.paint('dim', '─'.repeat(BAR - filled))
    this.#line.show(`  ${bar}  ${facts.slice(0, room)}`)
  }
}

class PlainStatus implements Status {
  readonly #output: Output
  #nextMs = 1000

  constructor(output: Output) {
    this.#output = output
  }

  show(progress: ScenarioProgress): void {
    if (progress.elapsedMs < this.#nextMs) return
    this.#nextMs = 2 * progress.elapsedMs
    this.say(`${factsOf(progress).join(', ')}, after ${formatMs(progress.elapsedMs)}`)
  }

  say(text: string): void {
    this.#output.print(`netgrace: ${text}\n`)
  }

  [Symbol.dispose](): void {}
}

function factsOf({ clients, connected, done, failed, messages, echoed, mismatched }: ScenarioProgress): string[] {
  const facts = [`${echoed}/${messages} echoed`, connected < clients ? `${connected}/${clients} connected` : `${done}/${clients} done`]
  if (mismatched > 0) facts.push(`${mismatched} changed`)
  if (failed > 0) facts.push(`${failed} failed`)
  return facts
}
