import type { PlainEnding, PlainError } from '../spawn/plain-error.ts'
import { plainEnding, plainError, realEnding, realError } from '../spawn/plain-error.ts'
import type { Ids } from './share.ts'
import type { ClientReport } from './report.ts'
import type { Task } from './task.ts'
import type { Texts } from './texts.ts'

/** What a thread or a process is given to do. */
export interface Order extends Omit<Task, 'bytes'> {
  readonly ids: Ids
  /** What its clients say, if not what clients say by default. */
  readonly texts: Texts | undefined
  /** Somebody wants to know how far it has come. */
  readonly tellsProgress: boolean
}

/** What became of one client, as it crosses. */
export interface PlainRow extends Omit<ClientReport, 'ending' | 'error'> {
  readonly ending: PlainEnding
  readonly error: PlainError | undefined
  readonly roundTripsMs: readonly number[]
}

export function plainRow(client: ClientReport, roundTripsMs: readonly number[]): PlainRow {
  return { ...client, ending: plainEnding(client.ending), error: client.error && plainError(client.error), roundTripsMs }
}

export function realRow({ id, sent, echoed, mismatched, latency, ending, error }: PlainRow): ClientReport {
  return { id, sent, echoed, mismatched, ending: realEnding(ending), latency, error: error && realError(error) }
}
