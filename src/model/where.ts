import { isBytes, isRegExp } from './brand.ts'
import type { Link } from './link.ts'
import { got, outOfRange, wrongType, wrongValue } from './invalid.ts'
import { boolean, checkOptions, duration, integer, interval, nested, oneOf, type Rule, type Rules } from './options.ts'

/** Text is looked for as UTF-8; a pattern sees each byte as one character (latin1), and at most the last {@link MATCH_WINDOW} of them. */
export type Pattern = RegExp | string | Uint8Array

/** How far back a RegExp can reach over what arrived in pieces. Bytes. */
export const MATCH_WINDOW = 4096

/** A fault is asleep until all that is given holds. It counts from injection or the link's opening, whichever is later. */
export interface After {
  /** So many bytes of the lane have passed. They still pass. */
  readonly bytes?: number | undefined
  /** This has been seen in either lane of the link. It still passes. */
  readonly match?: Pattern | undefined
  /** So long, counted from when the others held. */
  readonly ms?: number | undefined
}

/** On for `onMs`, off for `offMs`, and on again. Milliseconds. */
export interface Every {
  readonly onMs: number
  readonly offMs: number
}

/** Where and when a fault strikes. */
export interface Where {
  /** Default `both`. */
  readonly direction?: 'upstream' | 'downstream' | 'both' | undefined
  /** Those open now, those to come, or those that the function chooses; it is asked once for each link. Default: all. */
  readonly links?: ('open' | 'later' | ((link: Link) => boolean)) | undefined
  /** On so many links at most. */
  readonly times?: number | undefined
  /** For each link (UDP: datagram), tossed once. */
  readonly probability?: number | undefined
  readonly after?: After | undefined
  /** On and off in turns, from the injection on. Turned off, it releases what it holds, as a healing does; a link counts once for `times` and `hits`. */
  readonly every?: Every | undefined
  /** It may meet nothing. Otherwise that is an error when the proxy stops: the client did not go through it. */
  readonly optional?: boolean | undefined
}

export const probability: Rule = (name, value) => {
  const allowed = 'a number from 0 to 1'
  if (typeof value !== 'number') throw wrongType(name, allowed, value)
  if (!(value >= 0 && value <= 1)) throw outOfRange(name, allowed, value)
}

const links: Rule = (name, value) => {
  if (typeof value !== 'function' && value !== 'open' && value !== 'later') throw wrongValue(name, "'open', 'later' or a function", value)
}

export const pattern: Rule = (name, value) => {
  if (!isRegExp(value) && typeof value !== 'string' && !isBytes(value)) throw wrongType(name, 'a RegExp, a string or a Uint8Array', value)
  if (!isRegExp(value) && value.length === 0) throw wrongValue(name, 'a pattern that is not empty', value)
}

const AFTER: Rules<After> = { bytes: integer(0), match: pattern, ms: duration }

export const checkAfter: Rule = nested(AFTER)

export const checkEvery: Rule = (name, value) => {
  nested<Every>({ onMs: interval, offMs: interval })(name, value)
  for (const key of ['onMs', 'offMs'] as const) interval(`${name}.${key}`, (value as Every)[key])
}

const WHERE: Rules<Where> = {
  direction: oneOf('upstream', 'downstream', 'both'),
  links,
  times: integer(1),
  probability,
  after: checkAfter,
  every: checkEvery,
  optional: boolean,
}

export function checkWhere(where: Where): void {
  checkOptions(where, WHERE, 'where')
}

/** `downstream, after 1000 bytes`: for messages. */
export function describeWhere(where: Where): string {
  const { direction = 'both' } = where
  return [direction === 'both' ? 'both ways' : direction, ...describePlace(where)].join(', ')
}

/** All but the direction: what a fault of connecting has, too. */
export function describePlace({ links: which, times, probability: chance, after = {}, every }: Where): string[] {
  const words: string[] = []
  if (typeof which === 'string') words.push(which === 'open' ? 'on the links open then' : 'on later links')
  else if (which) words.push('on chosen links')
  if (times !== undefined) words.push(`${times === 1 ? 'once' : `${times} times`} at most`)
  if (chance !== undefined) words.push(`with probability ${chance}`)
  if (after.bytes !== undefined) words.push(`after ${after.bytes} bytes`)
  if (after.match !== undefined) words.push(`after ${got(after.match)}`)
  if (after.ms !== undefined) words.push(`after ${after.ms} ms`)
  if (every !== undefined) words.push(`${every.onMs} ms on, ${every.offMs} ms off`)
  return words
}
