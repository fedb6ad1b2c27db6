import type { WaitOptions } from '../model/client.ts'
import { integer } from '../model/options.ts'
import { bounded, mayBegin } from './bounded.ts'
import type { Live } from './live.ts'

/** Default of `withinMs`: how long reaching a number may take. Milliseconds, well below a test's own timeout. */
export const DEFAULT_REACH_WITHIN_MS = 2000

/** Waits until so many things are live at once. */
export class Reach<T> {
  readonly #live: Live<T>
  readonly #of: string
  readonly #waiting = new Set<(error: Error) => void>()
  #closed: (() => Error) | undefined

  /** @param of  What is counted, in the plural: `connections`. */
  constructor(live: Live<T>, of: string) {
    this.#live = live
    this.#of = of
  }

  /**
   * Resolves to all that are live, oldest first, in the turn in which `count` are for the first time; at once if they are now.
   * @param where  Names the server or proxy in the error.
   */
  async reaches(count: number, options: WaitOptions, where: string): Promise<T[]> {
    integer(1)('count', count)
    mayBegin(options)
    const { all } = this.#live
    if (this.#closed) throw this.#closed()
    if (all.size >= count) return [...all]
    const wait = { ...options, withinMs: options.withinMs ?? DEFAULT_REACH_WITHIN_MS }
    let [most, came] = [all.size, all.size]
    let forget = (): void => {}
    const reached = new Promise<T[]>((resolve, reject) => {
      const stopCounting = this.#live.onAdd(() => {
        came++
        most = Math.max(most, all.size)
        if (all.size < count) return
        forget()
        resolve([...all])
      })
      const refuse = (error: Error): void => {
        forget()
        reject(error)
      }
      this.#waiting.add(refuse)
      forget = () => {
        stopCounting()
        this.#waiting.delete(refuse)
      }
    })
    const late = (): string =>
      `${where} did not reach ${count} live ${this.#of} within ${wait.withinMs} ms: ${came} came, at most ${most} were live at once, ${all.size} are now`
    return bounded(reached, wait, late, forget)
  }

  /** No more will come; the error is made for each that waits, and for each that asks later. */
  close(error: () => Error): void {
    this.#closed = error
    for (const refuse of this.#waiting) refuse(error())
  }
}
