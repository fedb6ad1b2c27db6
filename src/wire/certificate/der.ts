/** What of DER (X.690) a certificate needs: each function gives the bytes of one value, tag and length included. */

function value(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content)
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body])
}

/** Below 128 the length itself; else the count of its bytes, and these. */
function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const bytes = bigEndian(length)
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes])
}

function bigEndian(number: number): Buffer {
  const digits = number.toString(16)
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex')
}

export function sequence(...members: readonly Uint8Array[]): Buffer {
  return value(0x30, ...members)
}

export function setOf(...members: readonly Uint8Array[]): Buffer {
  return value(0x31, ...members)
}

/** A positive integer: a leading bit that is set would be its sign. */
export function integer(bytes: Uint8Array): Buffer {
  return value(0x02, ...(bytes[0]! >= 0x80 ? [Buffer.of(0)] : []), bytes)
}

export function boolean(is: boolean): Buffer {
  return value(0x01, Buffer.of(is ? 0xff : 0))
}

/** Whole bytes. */
export function bitString(bytes: Uint8Array): Buffer {
  return value(0x03, Buffer.of(0), bytes)
}

/** Named bits, numbered from the first: as many as one byte holds, without those behind the last that is set. */
export function namedBits(...set: readonly number[]): Buffer {
  const byte = set.reduce((bits, bit) => bits | (0x80 >> bit), 0)
  return value(0x03, Buffer.of(7 - Math.max(...set), byte))
}

export function octetString(...content: readonly Uint8Array[]): Buffer {
  return value(0x04, ...content)
}

export function utf8(text: string): Buffer {
  return value(0x0c, Buffer.from(text))
}

/** `1.2.840.10045.4.3.2`: the first two numbers in one byte, the others in groups of seven bits. */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...others] = dotted.split('.').map(Number)
  return value(0x06, Buffer.from([first * 40 + second, ...others.flatMap(groupsOfSeven)]))
}

function groupsOfSeven(number: number): number[] {
  const groups = [number & 0x7f]
  for (let rest = number >>> 7; rest > 0; rest >>>= 7) groups.unshift(0x80 | (rest & 0x7f))
  return groups
}

/** As RFC 5280 §4.1.2.5 wants it: two digits of the year before 2050, four from then on. */
export function time(date: Date): Buffer {
  const text = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  return date.getUTCFullYear() < 2050 ? value(0x17, Buffer.from(text.slice(2))) : value(0x18, Buffer.from(text))
}

/** A value that is told by its number in its context; `constructed` of other values. */
export function tagged(number: number, content: Uint8Array, constructed = false): Buffer {
  return value((constructed ? 0xa0 : 0x80) | number, content)
}
