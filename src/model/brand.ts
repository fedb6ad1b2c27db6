/**
 * What a value is, whatever realm it comes from. `instanceof` knows the classes of one realm only, and a test may stand in
 * another than Node's own modules: under jsdom, happy-dom, Jest, and in Vitest's vm pools. test/realms.test.ts keeps it out.
 */
import { URL } from 'node:url'
import { types } from 'node:util'

/** Whether it is an error: also a `DOMException`, which is no native one on every Node. Throws for nothing, whatever the value's getters do. */
export function isError(value: unknown): value is Error {
  if (types.isNativeError(value)) return true
  try {
    const { name, message, stack } = value as { readonly [key in 'name' | 'message' | 'stack']?: unknown }
    return typeof value === 'object' && typeof name === 'string' && typeof message === 'string' && typeof stack === 'string'
  } catch {
    return false
  }
}

/** The errors that an `AggregateError` gathers; none of any other value. */
export function membersOf(error: unknown): readonly Error[] {
  try {
    const { errors } = error as { readonly errors?: unknown }
    return isError(error) && Array.isArray(errors) ? errors.filter(isError) : []
  } catch {
    return []
  }
}

export function isBytes(value: unknown): value is Uint8Array {
  return types.isUint8Array(value)
}

export function isRegExp(value: unknown): value is RegExp {
  return types.isRegExp(value)
}

export function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null) return false
  const { aborted, addEventListener } = value as { readonly aborted?: unknown; readonly addEventListener?: unknown }
  return typeof aborted === 'boolean' && typeof addEventListener === 'function'
}

export function isUrl(value: unknown): value is URL {
  if (typeof value !== 'object' || value === null) return false
  const { href, protocol } = value as { readonly href?: unknown; readonly protocol?: unknown }
  return typeof href === 'string' && typeof protocol === 'string' && URL.canParse(href)
}

export function isPromise(value: unknown): value is Promise<unknown> {
  return types.isPromise(value)
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined | null)?.then === 'function'
}
