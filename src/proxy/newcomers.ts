import { bounded, mayBegin } from '../lifetime/bounded.ts'
import type { WaitOptions } from '../model/client.ts'
import type { Link } from '../model/link.ts'
import type { NetLink } from './link.ts'

/** How many links that are over can still be asked for. */
const REMEMBERED = 64

interface Waiting {
  readonly give: (link: NetLink) => void
  readonly refuse: (error: Error) => void
}

/** Gives each link once, to whoever asked first, oldest first. */
export class Newcomers {
  readonly #unseen = new Set<NetLink>()
  readonly #over: NetLink[] = []
  readonly #waiting = new Set<Waiting>()
  #closed: (() => Error) | undefined

  arrived(link: NetLink): void {
    for (const waiting of this.#waiting) {
      this.#waiting.delete(waiting)
      return waiting.give(link)
    }
    this.#unseen.add(link)
  }

  over(link: NetLink): void {
    if (!this.#unseen.has(link)) return
    this.#over.push(link)
    if (this.#over.length > REMEMBERED) this.#unseen.delete(this.#over.shift()!)
  }

  async next(options: WaitOptions, where: string): Promise<Link> {
    mayBegin(options)
    for (const there of this.#unseen) {
      this.#unseen.delete(there)
      return there
    }
    if (this.#closed) throw this.#closed()
    let waiting: Waiting
    const work = new Promise<Link>((resolve, reject) => {
      waiting = { give: resolve, refuse: reject }
      this.#waiting.add(waiting)
    })
    return bounded(
      work,
      options,
      () => `nobody connected to ${where} within ${options.withinMs} ms`,
      () => this.#waiting.delete(waiting),
    )
  }

  /** Nobody will come any more; the error is made for those who still ask. */
  close(error: () => Error): void {
    this.#closed = error
    for (const waiting of this.#waiting) waiting.refuse(error())
    this.#waiting.clear()
  }
}
