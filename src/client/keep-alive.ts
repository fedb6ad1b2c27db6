import type { Socket } from 'node:net'

import { wrongValue } from '../model/invalid.ts'
import { checkOptions, integer, type Rule } from '../model/options.ts'
import { keepAliveCanBeTuned } from '../wire/platform.ts'

export interface KeepAlive {
  /** How long the connection is idle before the first probe. Milliseconds, in whole seconds: less than 1000 counts as none. */
  readonly delayMs: number
  /** Between two probes. Default: the system's, 1 s as Node sets it. */
  readonly intervalMs?: number | undefined
  /** How many probes may go unanswered. Default: the system's, 10 as Node sets it. */
  readonly count?: number | undefined
}

export const keepAliveRule: Rule = (name, value) => {
  const given = value as KeepAlive
  checkOptions(given, { delayMs: integer(1000), intervalMs: integer(1000), count: integer(1) }, name)
  if (given.delayMs === undefined) integer(1000)(`${name}.delayMs`, undefined)
  for (const key of ['intervalMs', 'count'] as const) {
    if (given[key] !== undefined && !keepAliveCanBeTuned)
      throw wrongValue(`${name}.${key}`, `left out: Node ${process.versions.node} ignores it`, given[key])
  }
}

export function setKeepAlive(socket: Socket, { delayMs, intervalMs, count }: KeepAlive): void {
  const set = socket.setKeepAlive.bind(socket) as (enable: true, delayMs: number, intervalMs?: number, count?: number) => unknown
  set(true, delayMs, intervalMs, count) // Node's types do not know the last two yet
}
