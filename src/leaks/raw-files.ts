import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

import { now } from '../timeline/clock.ts'
import type { Birth } from './birth.ts'
import { enter, isWatched } from './registry.ts'
import { captureStack, type Stack } from '../timeline/stack.ts'
import { currentContext } from './trace.ts'

type Call = (...args: unknown[]) => unknown
type Patched = 'open' | 'openSync' | 'close' | 'closeSync'

/** Stands for a handle, which a descriptor has none of. */
interface RawFile {
  fd: number
}

const real: Record<Patched, Call> = {
  open: fs.open as Call,
  openSync: fs.openSync as Call,
  close: fs.close as Call,
  closeSync: fs.closeSync as Call,
}
const open = new Map<number, RawFile>()
let holds = 0
/** No async id is negative. */
let lastId = 0

/**
 * Follows `fs.open` and `fs.close`, and what is built on them, until the returned function is called.
 *
 * By patching `fs`: `async_hooks` knows nothing of descriptors. So it is opt-in.
 */
export function holdRawFiles(): () => void {
  if (holds++ === 0) patch({ open: opening, openSync, close: closing, closeSync: closingSync })
  let held = true
  return () => {
    if (held && --holds === 0) {
      patch(real)
      open.clear()
    }
    held = false
  }
}

function patch(calls: Record<Patched, Call>): void {
  Object.assign(fs, calls)
  syncBuiltinESMExports()
}

function openSync(...args: unknown[]): unknown {
  const asked = currentContext()
  const fd = real.openSync(...args)
  if (isWatched(asked.scope)) opened(fd as number, asked, captureStack(openSync))
  return fd
}

function opening(...args: unknown[]): unknown {
  const done = args.at(-1)
  const asked = currentContext()
  if (typeof done !== 'function' || !isWatched(asked.scope)) return real.open(...args)
  const stack = captureStack(opening)
  const told = (error: unknown, fd?: number): void => {
    if (!error && fd !== undefined) opened(fd, asked, stack)
    ;(done as Call)(error, fd)
  }
  return real.open(...args.slice(0, -1), told)
}

function closing(...args: unknown[]): unknown {
  closed(args[0])
  return real.close(...args)
}

function closingSync(...args: unknown[]): unknown {
  closed(args[0])
  return real.closeSync(...args)
}

function opened(fd: number, asked: Pick<Birth, 'scope' | 'origin'>, stack: Stack): void {
  const handle: RawFile = { fd }
  open.set(fd, handle)
  enter({ ...asked, type: 'RAWFILE', handle, bornAtMs: now(), stack, via: undefined, accepted: false, id: 0 }, --lastId)
}

function closed(fd: unknown): void {
  const handle = open.get(fd as number)
  if (!handle) return
  open.delete(fd as number)
  handle.fd = -1
}
