import { isRegExp } from '../model/brand.ts'
import { MATCH_WINDOW, type Pattern } from '../model/where.ts'

/** Looks for a pattern in a stream, wherever that is cut. */
export interface Matcher {
  /** How many bytes of `chunk` there are up to the end of the first match that ends in it; -1: none does. */
  feed(chunk: Buffer): number
}

export function matcherFor(pattern: Pattern): Matcher {
  return isRegExp(pattern) ? new PatternMatcher(pattern) : new BytesMatcher(Buffer.from(pattern as Uint8Array))
}

/** The same for equal patterns. */
export function patternKey(pattern: Pattern): string {
  return isRegExp(pattern) ? String(pattern) : `"${Buffer.from(pattern as Uint8Array).toString('latin1')}`
}

class BytesMatcher implements Matcher {
  readonly #bytes: Buffer
  /** What came last, one byte short of a match. */
  #tail: Buffer = Buffer.alloc(0)

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  feed(chunk: Buffer): number {
    const wanted = this.#bytes.length
    const border = Buffer.concat([this.#tail, chunk.subarray(0, wanted - 1)])
    const over = border.indexOf(this.#bytes)
    const found = over >= 0 ? over + wanted - this.#tail.length : this.#within(chunk)
    const all = chunk.length >= wanted - 1 ? chunk : border
    this.#tail = copyOfLast(all, wanted - 1)
    return found
  }

  #within(chunk: Buffer): number {
    const at = chunk.indexOf(this.#bytes)
    return at < 0 ? -1 : at + this.#bytes.length
  }
}

class PatternMatcher implements Matcher {
  readonly #pattern: RegExp
  /** As bytes: a piece of a text would keep all of the text alive. */
  #tail: Buffer = Buffer.alloc(0)

  constructor({ source, flags }: RegExp) {
    this.#pattern = new RegExp(source, `${flags.replaceAll(/[gy]/g, '')}g`)
  }

  feed(chunk: Buffer): number {
    const before = this.#tail.length
    const all = before > 0 ? Buffer.concat([this.#tail, chunk]) : chunk
    const text = all.toString('latin1') // a character a byte
    this.#tail = copyOfLast(all, MATCH_WINDOW)
    for (const match of text.matchAll(this.#pattern)) {
      const end = match.index + match[0].length
      if (end > before) return end - before
    }
    return -1
  }
}

/** Not a view, which would keep the chunk alive, nor a part of the shared pool. */
function copyOfLast(bytes: Buffer, count: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(Math.min(count, bytes.length))
  bytes.copy(copy, 0, bytes.length - copy.length)
  return copy
}
