import { isError } from '../model/brand.ts'

/** Throws what was gathered, once: one error as itself, several as an `AggregateError` that says each. Nothing if there is none. */
export function throwAll(errors: readonly Error[], what: string): void {
  if (errors.length === 0) return
  if (errors.length === 1) throw errors[0]!
  throw new AggregateError(errors, `${what}:\n${errors.map((error, n) => `  ${n + 1}. ${error.message}`).join('\n')}`)
}

/** Whatever was thrown, or given as a reason, as an `Error`. */
export function asError(thrown: unknown): Error {
  return isError(thrown) ? thrown : new Error(messageOf(thrown), { cause: thrown })
}

/** What is said of whatever was thrown: an error's message, another value as text. Throws for nothing, as a message or a value may. */
export function messageOf(thrown: unknown): string {
  try {
    return String(isError(thrown) ? thrown.message : thrown)
  } catch {
    return `something thrown that has no text (${typeof thrown})`
  }
}
