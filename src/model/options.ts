import { isSignal } from './brand.ts'
import { outOfRange, wrongType, wrongValue } from './invalid.ts'
import { socketPath } from './socket-path.ts'

/** Throws when `value` is not allowed for the option `name`. Never called for `undefined`. */
export type Rule = (name: string, value: unknown) => void

/** A rule for each key of the options, so that a new option cannot be forgotten here. */
export type Rules<Options> = { readonly [Key in keyof Options]-?: Rule }

/** Checks one options object before anything is opened: no unknown key, each value allowed. `undefined` counts as not given. */
export function checkOptions<Options extends object>(options: Options, rules: Rules<Options>, of = 'options'): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw wrongType(of, 'an object', options)
  for (const [key, value] of Object.entries(options)) {
    const rule: Rule | undefined = Object.hasOwn(rules, key) ? rules[key as keyof Options] : undefined
    if (!rule) throw wrongValue(`${of}: a key`, `one of ${Object.keys(rules).join(', ')}`, key)
    if (value !== undefined) rule(key, value)
  }
}

/** The most that a timer of Node's holds, 24.8 days. Milliseconds. */
export const LONGEST_MS = 2 ** 31 - 1

/** Milliseconds, from 0, which is at once, to {@link LONGEST_MS}. */
export const duration: Rule = number(0, LONGEST_MS, `a finite number ≥ 0 (at most ${LONGEST_MS})`)

/** A duration that a timer can be armed with to some effect: more than 0. */
export const interval: Rule = number(Number.MIN_VALUE, LONGEST_MS, `a finite number > 0 (at most ${LONGEST_MS})`)

/**
 * What is called `…TimeoutMs`. 0 is refused: Node's `setTimeout(0)` of a socket is never, everywhere else it is at once. What
 * is left out is the default.
 */
export const timeout: Rule = number(Number.MIN_VALUE, LONGEST_MS, `a finite number > 0 (at most ${LONGEST_MS}), or left out`)

/** 0 lets the kernel choose. */
export const listenPort: Rule = integer(0, 65535)

export const string: Rule = (name, value) => {
  if (typeof value !== 'string') throw wrongType(name, 'a string', value)
  if (value === '') throw wrongValue(name, 'a string that is not empty', value)
}

/** Where to listen as a unix socket; {@link socketPath} makes it absolute. */
export const listenPath: Rule = (name, value) => void socketPath(value, name)

export const boolean: Rule = (name, value) => {
  if (typeof value !== 'boolean') throw wrongType(name, 'true or false', value)
}

export const callback: Rule = (name, value) => {
  if (typeof value !== 'function') throw wrongType(name, 'a function', value)
}

export const signal: Rule = (name, value) => {
  if (!isSignal(value)) throw wrongType(name, 'an AbortSignal', value)
}

/** Options that are somebody else's to check. */
export const passedOn: Rule = (name, value) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(name, 'an object', value)
}

export function integer(min: number, max = Number.MAX_SAFE_INTEGER): Rule {
  const allowed = max === Number.MAX_SAFE_INTEGER ? `an integer ≥ ${min}` : `an integer from ${min} to ${max}`
  return (name, value) => {
    if (typeof value !== 'number') throw wrongType(name, allowed, value)
    if (!Number.isInteger(value) || value < min || value > max) throw outOfRange(name, allowed, value)
  }
}

export function oneOf(...values: readonly string[]): Rule {
  return (name, value) => {
    if (!values.includes(value as string)) throw wrongValue(name, `one of ${values.join(', ')}`, value)
  }
}

/** Options within an option. */
export function nested<Options extends object>(rules: Rules<Options>): Rule {
  return (name, value) => checkOptions(value as Options, rules, name)
}

function number(min: number, max: number, allowed: string): Rule {
  return (name, value) => {
    if (typeof value !== 'number') throw wrongType(name, allowed, value)
    if (!(value >= min && value <= max)) throw outOfRange(name, allowed, value)
  }
}
