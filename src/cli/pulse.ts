import { clearTicker, setTicker } from '../lifetime/timers.ts'
import { now } from '../timeline/clock.ts'
import { hitsOf, type ActiveFault, type Hits } from './active-fault.ts'
import type { Diary } from './diary.ts'
import type { Screen } from './screen.ts'

const EVERY_MS = 1000

/** How much was passed on, each way. */
export interface BothWays {
  readonly upstream: number
  readonly downstream: number
}

/** What a proxy has come to so far. */
export interface Totals {
  readonly opened: number
  readonly open: number
  /** Bytes or datagrams that were passed on. */
  readonly passed: BothWays
}

/** What is counted, in words. */
export interface Units {
  /** What is open. */
  readonly noun: string
  readonly amount: (passed: number) => string
  readonly rate: (perSecond: number) => string
}

/** Shows once a second what a proxy has come to. */
export class Pulse implements Disposable {
  readonly #screen: Screen
  readonly #diary: Diary
  readonly #faults: readonly ActiveFault[]
  readonly #count: () => Totals
  readonly #units: Units
  readonly #ticker = setTicker(() => this.#beat(), EVERY_MS)
  #lastAtMs = now()
  #last: BothWays = { upstream: 0, downstream: 0 }
  #told = ''

  constructor(screen: Screen, diary: Diary, faults: readonly ActiveFault[], count: () => Totals, units: Units) {
    this.#screen = screen
    this.#diary = diary
    this.#faults = faults
    this.#count = count
    this.#units = units
    this.#beat()
  }

  [Symbol.dispose](): void {
    clearTicker(this.#ticker)
  }

  #beat(): void {
    const { open, opened, passed } = this.#count()
    const seconds = Math.max(0.001, (now() - this.#lastAtMs) / 1000)
    const perSecond = {
      upstream: Math.round((passed.upstream - this.#last.upstream) / seconds),
      downstream: Math.round((passed.downstream - this.#last.downstream) / seconds),
    }
    this.#lastAtMs = now()
    this.#last = passed
    const hits = hitsOf(this.#faults)
    const facts = { open, opened, passed, perSecond, hits }
    const told = JSON.stringify(facts)
    if (told === this.#told) return
    this.#told = told
    this.#screen.totals({ ...facts, atMs: this.#diary.atMs }, this.#line(facts))
  }

  #line({ open, opened, passed, perSecond, hits }: Totals & { perSecond: BothWays; hits: readonly Hits[] }): string {
    const { noun, amount, rate } = this.#units
    const way = (name: keyof BothWays, word: string): string => `${word} ${amount(passed[name])} (${rate(perSecond[name])}/s)`
    const met = hits.filter((one) => one.hits > 0).map((one) => `${one.fault.split('(')[0]} ${one.hits}`)
    return [`${open}/${opened} ${noun} open`, way('upstream', 'up'), way('downstream', 'down'), met.join(', ')].filter(Boolean).join('  ')
  }
}
