import type { EventEmitter } from 'node:events'
import { pEvent } from 'p-event'

/**
 * Waits for one of `events` of `emitter`; rejects with the error of the first of `rejectionEvents`.
 *
 * Returns the wait and the way to give it up, after which nothing of it stays registered. Deadlines and signals are the
 * caller's: the timeout of `p-event` freezes under fake timers, and its abort listeners stay.
 */
export function waitFor(
  emitter: EventEmitter,
  events: readonly string[],
  options: { readonly rejectionEvents?: readonly string[]; readonly filter?: (value: unknown) => boolean } = {},
): { readonly happened: Promise<void>; cancel(): void } {
  const waiting = pEvent(emitter, events, {
    rejectionEvents: options.rejectionEvents ?? [],
    ...(options.filter && { filter: options.filter }),
  })
  return { happened: waiting.then(() => undefined), cancel: () => waiting.cancel() }
}
