import { inspect } from 'node:util'

import { quoted } from './visible.ts'
import { withoutPassword } from './without-password.ts'

/** The value as it came, short enough for a message, and without a password. */
export function got(value: unknown): string {
  if (typeof value === 'string') return quoted(withoutPassword(value))
  return withoutPassword(inspect(value, { depth: 0, breakLength: Infinity, maxStringLength: 80 }))
}

/** A `TypeError` in Node's own form: what is wrong, what is allowed, what came. */
export function wrongType(name: string, allowed: string, value: unknown): TypeError {
  return withCode(new TypeError(message(name, allowed, got(value))), 'ERR_INVALID_ARG_TYPE')
}

/** As {@link wrongType}, for a value of the right type that means nothing here. */
export function wrongValue(name: string, allowed: string, value: unknown): TypeError {
  return withCode(new TypeError(message(name, allowed, got(value))), 'ERR_INVALID_ARG_VALUE')
}

/** A `RangeError` in Node's own form. `came` stands for the value where the value alone does not show what is wrong. */
export function outOfRange(name: string, allowed: string, value: unknown, came: string = got(value)): RangeError {
  return withCode(new RangeError(message(name, allowed, came)), 'ERR_OUT_OF_RANGE')
}

function message(name: string, allowed: string, came: string): string {
  return `${name} must be ${allowed}, got ${came}`
}

function withCode<E extends Error>(error: E, code: string): E {
  return Object.assign(error, { code })
}
