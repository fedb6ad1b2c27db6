import type { ConnectionRecord } from '../model/connection.ts'
import type { Ending } from '../model/ending.ts'
import { ForcedConnectionError, forgottenClients, forgottenError, type NamedPart } from './forced.ts'
import type { OwnEnds } from './own-ends.ts'

/** What a rig makes of foreign clients that are open when its test ends. */
export interface ForeignRules {
  /** Those that have to be cut are permitted. */
  readonly allowForced: boolean
  /** Those that close once our FIN has asked them to fail the test, or stand in its story. */
  readonly forgotten: 'fail' | 'report'
}

/** Connections of foreign clients that were open when the test ended. */
export interface ForeignClients {
  readonly cut: readonly ConnectionRecord[]
  readonly answered: readonly ConnectionRecord[]
}

/** Whether it ended only because we cut it: by force, or because our FIN was not answered. */
export function wasCut(ending: Ending | undefined): boolean {
  return ending === undefined || (ending.kind === 'timeout' && ending.by === 'local')
}

/** Whether our own FIN ended it. */
export function weEnded(ending: Ending | undefined): boolean {
  return ending !== undefined && ending.by === 'local' && (ending.kind === 'eof' || ending.kind === 'closed')
}

/**
 * Those of `records` whose client is none of the rig's own.
 *
 * @param path  Where they were accepted, if that is a unix socket. Such peers have no name: as many as the rig has clients there are its own.
 * @param sinceMs  When their stop began.
 */
export function foreignOf(records: readonly ConnectionRecord[], own: OwnEnds, sinceMs: number, path?: string): readonly ConnectionRecord[] {
  if (path === undefined) return records.filter((one) => !own.has(one.peer, sinceMs - one.openMs))
  const closedByPeer = records.filter(({ ending }) => ending?.by === 'peer')
  const others = records.filter(({ ending }) => ending?.by !== 'peer')
  return [...closedByPeer, ...others.slice(Math.max(0, own.countAt(path) - closedByPeer.length))]
}

/** What fails the test; the rest is noted for its story. */
export function judge({ cut, answered }: ForeignClients, part: NamedPart, rules: ForeignRules, note: (text: string) => void): Error[] {
  const errors: Error[] = []
  if (cut.length > 0 && !rules.allowForced) errors.push(new ForcedConnectionError(cut, part))
  if (answered.length > 0 && rules.forgotten === 'fail') errors.push(forgottenError(answered, part))
  else if (answered.length > 0) note(forgottenClients(answered, part))
  return errors
}
