import * as util from 'node:util'
import { runInThisContext } from 'node:vm'

/**
 * Node's own classes for what the global ones may be a DOM's: under jsdom and happy-dom `AbortController` and
 * `DOMException` are replaced, and Node's own functions refuse a signal that is not theirs.
 */
export const AbortController = util.transferableAbortController().constructor as typeof globalThis.AbortController
export type AbortController = globalThis.AbortController

type Made = new (message: string, name: string) => Error
const DOMException = reasonOf(new AbortController()).constructor as Made

/** The reason of a signal of ours: a `DOMException` named `AbortError`, as `abort()` makes one. */
export function abortError(message: string): Error {
  return new DOMException(message, 'AbortError')
}

function reasonOf(controller: AbortController): object {
  controller.abort()
  return controller.signal.reason as object
}

/** The process that Node's own modules use: in Jest's contexts the global one, and `node:process`, is a copy. */
export const mainProcess = runInThisContext('process') as typeof process

/** That of Node's own realm: jsdom has none under Jest. */
export const clone = runInThisContext('structuredClone') as typeof structuredClone
