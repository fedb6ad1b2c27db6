import type { Reader } from './reader.ts'

/** A reader's chunks, one by one. Leaving the loop closes nothing and loses nothing. */
export class Chunks implements AsyncIterableIterator<Buffer, undefined> {
  readonly #reader: Reader
  #left = false

  constructor(reader: Reader) {
    this.#reader = reader
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    return this.#left ? Promise.resolve({ value: undefined, done: true }) : this.#reader.next()
  }

  return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#left = true
    return Promise.resolve({ value: undefined, done: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
