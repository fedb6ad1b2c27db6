import { InvalidArgumentError } from 'commander'

import type { After, Pattern, Where } from '../model/where.ts'
import { MS_ALLOWED, parseMs } from './duration.ts'

/** `bytes=1000`, `match=COMMIT`, `ms=3s`, or several of them: a comma parts them only before one of these words. */
export function after(text: string): After {
  const found: { bytes?: number; match?: Pattern; ms?: number } = {}
  for (const part of text.split(/,(?=(?:bytes|match|ms)=)/)) {
    const [, key, value] = /^(bytes|match|ms)=(.+)$/s.exec(part) ?? []
    if (!key || !value)
      throw new InvalidArgumentError('It must be bytes=N, match=TEXT, match=/REGEX/ or ms=TIME, or several, joined by commas.')
    if (key in found) throw new InvalidArgumentError(`${key} is given twice.`)
    if (key === 'bytes') found.bytes = bytes(value)
    else if (key === 'match') found.match = pattern(value)
    else found.ms = milliseconds(value)
  }
  return found
}

export const DIRECTIONS = ['upstream', 'downstream', 'both'] as const

export function direction(text: string): (typeof DIRECTIONS)[number] {
  const found = DIRECTIONS.find((each) => each === text)
  if (!found) throw new InvalidArgumentError(`Allowed choices are ${DIRECTIONS.join(', ')}.`)
  return found
}

/** `2`, `1,3`, `5-8`, `10-`: links by the order in which they were opened. */
export function links(text: string): Exclude<Where['links'], string | undefined> {
  const ranges = text.split(',').map((part) => {
    const [, first, dash, last] = /^(\d+)(?:(-)(\d*))?$/.exec(part) ?? []
    const range = { first: Number(first), last: dash ? Number(last || Infinity) : Number(first) }
    if (!(range.first >= 1 && range.last >= range.first && range.first <= Number.MAX_SAFE_INTEGER)) {
      throw new InvalidArgumentError('It must be numbers of links, counted from 1 as they open: 2, or 1,3, or 5-8, or 10-.')
    }
    return range
  })
  return ({ id }) => ranges.some(({ first, last }) => id >= first && id <= last)
}

export function probability(text: string): number {
  const value = Number(text)
  if (!/^[\d.]+$/.test(text) || !(value >= 0 && value <= 1)) throw new InvalidArgumentError('It must be a number from 0 to 1.')
  return value
}

function bytes(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError(`bytes must be a whole number from 0, got ${JSON.stringify(text)}.`)
  }
  return value
}

function milliseconds(text: string): number {
  const ms = parseMs(text)
  if (ms === undefined) throw new InvalidArgumentError(`ms must be ${MS_ALLOWED}, got ${JSON.stringify(text)}.`)
  return ms
}

function pattern(text: string): Pattern {
  const [, source, flags] = /^\/(.+)\/([imsu]*)$/s.exec(text) ?? []
  if (source === undefined) return text
  try {
    return new RegExp(source, flags)
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`)
  }
}
