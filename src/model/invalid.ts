import { inspect } from 'node:util'

/** The value as it came, short enough for a message. */
export function got(value: unknown): string {
  const text = inspect(value, { depth: 0, breakLength: Infinity, maxStringLength: 80 })
  return typeof value === 'string' ? JSON.stringify(value) : text
}

/** A `TypeError` in Node's own form: what is wrong, what is allowed, what came. */
export function wrongType(name: string, allowed: string, value: unknown): TypeError {
  return withCode(new TypeError(message(name, allowed, value)), 'ERR_INVALID_ARG_TYPE')
}

/** As {@link wrongType}, for a value of the right type that means nothing here. */
export function wrongValue(name: string, allowed: string, value: unknown): TypeError {
  return withCode(new TypeError(message(name, allowed, value)), 'ERR_INVALID_ARG_VALUE')
}

/** A `RangeError` in Node's own form. */
export function outOfRange(name: string, allowed: string, value: unknown): RangeError {
  return withCode(new RangeError(message(name, allowed, value)), 'ERR_OUT_OF_RANGE')
}

function message(name: string, allowed: string, value: unknown): string {
  return `${name} must be ${allowed}, got ${got(value)}`
}

function withCode<E extends Error>(error: E, code: string): E {
  return Object.assign(error, { code })
}
