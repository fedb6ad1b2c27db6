import type { Item } from '../model/item.ts'

/** So many places that are empty may stand before the first item. */
const SLACK = 1024

/** Items in the order in which they came, at constant cost for each. */
export class ItemQueue {
  #items: (Item | undefined)[] = []
  #next = 0

  get size(): number {
    return this.#items.length - this.#next
  }

  /** The oldest; `undefined`: there is none. */
  get first(): Item | undefined {
    return this.#items[this.#next]
  }

  push(item: Item): void {
    this.#items.push(item)
  }

  /** Puts what is left of the oldest in its place; `undefined`: nothing is. */
  replaceFirst(rest: Item | undefined): void {
    this.#items[this.#next] = rest
    if (rest !== undefined) return
    this.#next++
    if (this.size > 0 && (this.#next < SLACK || this.#next < this.size)) return
    this.#items = this.#items.slice(this.#next)
    this.#next = 0
  }

  /** Takes all. */
  takeAll(): Item[] {
    const all = this.#items.slice(this.#next) as Item[]
    this.#items = []
    this.#next = 0
    return all
  }
}
