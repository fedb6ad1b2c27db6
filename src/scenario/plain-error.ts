import { messageOf } from '../lifetime/throw-all.ts'
import { membersOf } from '../model/brand.ts'

/** An error as JSON can carry it. */
export interface PlainError {
  readonly code?: string
  readonly message: string
}

/** What `JSON.stringify` would leave out of an error. An `AggregateError` of Node's has no message of its own: its members speak. */
export function plainError(error: Error): PlainError {
  const { code } = error as { code?: unknown } // a DOMException's is a number, and says nothing
  const members = membersOf(error).map(messageOf)
  return { ...(typeof code === 'string' && { code }), message: messageOf(error) || members.join('; ') }
}
