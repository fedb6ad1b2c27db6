import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

import { now } from '../timeline/clock.ts'
import { captureStack, type Stack } from '../timeline/stack.ts'
import { Birth } from './birth.ts'
import { enter, isWatched } from './registry.ts'
import { askedHere, currentContext } from './trace.ts'

type Call = (this: unknown, ...args: unknown[]) => unknown

/** Stands for a handle, which a descriptor has none of. */
interface RawFile {
  fd: number
}

/** What each patched function does, given the one that stood there before. */
const PATCHES: Readonly<Record<string, (before: Call) => Call>> = {
  openSync: (before) =>
    function openSync(...args) {
      const asked = currentContext()
      const fd = Reflect.apply(before, this, args)
      if (isWatched(asked.scope)) opened(fd as number, asked, captureStack(openSync))
      return fd
    },
  open: (before) =>
    function open(...args) {
      const done = args.at(-1)
      const asked = currentContext()
      if (typeof done !== 'function' || !isWatched(asked.scope)) return Reflect.apply(before, this, args)
      const stack = captureStack(open)
      const noted: Call = function (...results) {
        const [error, fd] = results
        if (!error && typeof fd === 'number') opened(fd, asked, stack)
        return Reflect.apply(done, this, results)
      }
      return Reflect.apply(before, this, [...args.slice(0, -1), noted])
    },
  close: closing,
  closeSync: closing,
  // A stream opens its file a tick later, where no stack leads back to the user's line.
  createReadStream: asking,
  createWriteStream: asking,
}

const openFiles = new Map<number, RawFile>()
let holds = 0
let unpatch = (): void => {}
/** No async id is negative. */
let lastId = 0

/**
 * Follows `fs.open` and `fs.close`, and what is built on them, until the returned function is called.
 *
 * By patching `fs`: `async_hooks` knows nothing of descriptors. So it is opt-in. What another library has put there is called,
 * and is there afterwards.
 */
export function holdRawFiles(): () => void {
  if (holds++ === 0) unpatch = patchFs()
  let held = true
  return () => {
    if (held && --holds === 0) {
      unpatch()
      openFiles.clear()
    }
    held = false
  }
}

function patchFs(): () => void {
  const undo = Object.entries(PATCHES).map(([name, make]) => patch(name, make))
  syncBuiltinESMExports()
  return () => {
    for (const act of undo) act()
    syncBuiltinESMExports()
  }
}

/** A library that patches `fs` meanwhile calls ours: it stays where it is then, and does nothing any more. */
function patch(name: string, make: (before: Call) => Call): () => void {
  const calls = fs as unknown as Record<string, Call>
  const before = calls[name]!
  const watching = make(before)
  let on = true
  const ours: Call = function (...args) {
    return Reflect.apply(on ? watching : before, this, args)
  }
  calls[name] = Object.defineProperties(ours, Object.getOwnPropertyDescriptors(before))
  return () => {
    on = false
    if (calls[name] === ours) calls[name] = before
  }
}

function closing(before: Call): Call {
  return function (...args) {
    closed(args[0])
    return Reflect.apply(before, this, args)
  }
}

function asking(before: Call): Call {
  return function (...args) {
    return askedHere(() => Reflect.apply(before, this, args))
  }
}

function opened(fd: number, { scope, origin }: Pick<Birth, 'scope' | 'origin'>, stack: Stack): void {
  const handle: RawFile = { fd }
  const ref = { deref: () => handle }
  openFiles.set(fd, handle)
  const id = --lastId
  enter(new Birth({ type: 'RAWFILE', ref, bornAtMs: now(), scope, origin, stack, via: undefined, accepted: false, id }), handle, id)
}

function closed(fd: unknown): void {
  const handle = openFiles.get(fd as number)
  if (!handle) return
  openFiles.delete(fd as number)
  handle.fd = -1
}
