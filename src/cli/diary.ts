import { describeEnding } from '../model/describe-ending.ts'
import type { Ending } from '../model/ending.ts'
import { now } from '../timeline/clock.ts'
import type { Interrupt } from './interrupts.ts'
import { labelled } from './layout.ts'
import { stdout } from './output.ts'
import type { Paint } from './paint.ts'
import { sheetWidth, type Tell } from './tell.ts'
import { counted } from './verdict.ts'

/** Tells what happens to many things with numbers, each with its time. */
export class Diary {
  readonly tell: Tell
  readonly paint: Paint = stdout.paint
  readonly #startedAtMs = now()

  constructor(tell: Tell) {
    this.tell = tell
  }

  /** Since it was begun. */
  get atMs(): number {
    return now() - this.#startedAtMs
  }

  /** Something happened to number `id`. */
  note(event: string, id: number, facts: object, text: string): void {
    const time = `${(this.atMs / 1000).toFixed(3)} s`.padStart(10)
    const label = `${this.paint('dim', time)}  ${`#${id}`.padEnd(4)} `
    this.tell(event, { id, ...facts, atMs: this.atMs }, ...labelled(label, text, sheetWidth()))
  }

  /** How something ended, in words. */
  ending(ending: Ending): string {
    return this.paint(ending.kind === 'eof' ? 'green' : 'red', describeEnding(ending))
  }

  /** It was told to stop while so many were live, that may finish. */
  stopping(interrupt: Interrupt, live: number, noun = '', graceMs = 0): void {
    const grace = live === 0 ? '' : `, ${counted(live, noun)} may finish within ${graceMs / 1000} s; again to cut them`
    const words = labelled('', `${interrupt}: stopping${grace}`, sheetWidth())
    this.tell('stopping', { interrupt, live, atMs: this.atMs }, ...words.map((line) => this.paint('yellow', line)))
  }
}
