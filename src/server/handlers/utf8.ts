/** How many bytes the text of a sequence has: the whole character, or, where that is no UTF-8, what U+FFFD stands for. */
interface Sequence {
  readonly bytes: number
  /** It may still become a character: what has come is the beginning of one. */
  readonly unfinished: boolean
}

/**
 * The sequence that begins at `at`, as the decoders of Node and of the WHATWG have it: of what is no UTF-8, the longest
 * beginning of a character becomes one U+FFFD.
 */
function sequenceAt(bytes: Uint8Array, at: number): Sequence {
  const first = bytes[at]!
  const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0
  for (let n = 1; n < length; n++) {
    const next = bytes[at + n]
    if (next === undefined) return { bytes: n, unfinished: true }
    const [low, high] = n === 1 ? secondOf(first) : [0x80, 0xbf]
    if (next < low || next > high) return { bytes: n, unfinished: false }
  }
  return { bytes: Math.max(1, length), unfinished: false }
}

/** What may follow the first byte: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
function secondOf(first: number): readonly [low: number, high: number] {
  if (first === 0xe0) return [0xa0, 0xbf]
  if (first === 0xed) return [0x80, 0x9f]
  if (first === 0xf0) return [0x90, 0xbf]
  return first === 0xf4 ? [0x80, 0x8f] : [0x80, 0xbf]
}

/** How many bytes the first `chars` UTF-16 units of `bytes.toString('utf8')` stand for, whatever the bytes are. */
export function bytesOfText(bytes: Buffer, text: string, chars: number): number {
  const prefix = text.slice(0, chars)
  if (!prefix.includes('\uFFFD')) return Buffer.byteLength(prefix)
  let at = 0
  for (let units = 0; units < chars;) {
    const { bytes: length } = sequenceAt(bytes, at)
    units += length === 4 ? 2 : 1
    at += length
  }
  return at
}

/** How many of the bytes are whole: at the end a character may be cut, of which the rest is still to come. */
export function wholeBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const at = bytes.length - back
    if ((bytes[at]! & 0xc0) === 0x80) continue // not a first byte
    return sequenceAt(bytes, at).unfinished ? at : bytes.length
  }
  return bytes.length
}
