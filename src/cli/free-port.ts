import getPort from 'get-port'

import type { NetgraceError } from '../model/errors.ts'
import type { Paint } from './paint.ts'

interface Wanted {
  readonly port: number
  readonly host: string
}

/** The one that was asked for, or, where somebody has it, another. */
export async function freePort({ port, host }: Wanted): Promise<number> {
  if (port === 0) return 0
  try {
    return await getPort({ port, host })
  } catch {
    return port // no such host: listening says that better
  }
}

/** As {@link freePort}, for UDP, which `get-port` does not look for: here it is tried. */
export async function onFreePort<Opened>({ port, host }: Wanted, open: (at: Wanted) => Promise<Opened>): Promise<Opened> {
  try {
    return await open({ host, port })
  } catch (error) {
    const cause = (error as NetgraceError).cause as NodeJS.ErrnoException | undefined
    if (cause?.code !== 'EADDRINUSE') throw error
    return open({ host, port: 0 })
  }
}

/** A line that says so, if it is another. */
export function otherPort(wanted: number, port: number, paint: Paint): string[] {
  return wanted === 0 || port === wanted ? [] : [paint('yellow', `port ${wanted} is not free: another one it is`)]
}
