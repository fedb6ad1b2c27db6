import { readFileSync, readlinkSync } from 'node:fs'

import type { Endpoint } from '../model/endpoint.ts'
import type { Leak, LeakSite } from '../model/leak.ts'
import { now } from '../timeline/clock.ts'
import type { Birth } from './birth.ts'
import type { Frame } from '../timeline/frames.ts'
import { isUnref, localOf, ownerOf, remoteOf } from './handle.ts'
import { isListener, kindOf } from './kinds.ts'
import { openerOf } from './opener.ts'
import { listeningOf } from './registry.ts'

/** What is to be told of an open handle, as it is now. */
export function leakOf(birth: Birth): Leak {
  const { handle } = birth
  const opener = openerOf(birth)
  return given({
    kind: kindOf(birth),
    local: localOf(handle) ?? pathOfListener(birth.accepted ? birth.via : birth),
    remote: isListener(birth.type) ? undefined : (remoteOf(handle) ?? dialledBy(birth)),
    fd: handle.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined,
    pid: ownerOf(handle)?.pid,
    bytesRead: numberOf(handle.bytesRead),
    bytesWritten: numberOf(handle.bytesWritten),
    detail: detailOf(birth),
    unref: isUnref(handle),
    openMs: now() - birth.bornAtMs,
    site: opener.site && siteOf(opener.site),
    onBehalfOf: opener.onBehalfOf && siteOf(opener.onBehalfOf),
    package: opener.package && versioned(opener.package),
    queue: opener.queue && versioned(opener.queue),
    stack: opener.frames.map(({ text }) => text).join('\n'),
    scope: birth.scope?.title,
  })
}

function detailOf({ type, handle, accepted, path }: Birth): string | undefined {
  if (accepted) return 'accepted'
  switch (type) {
    case 'Timeout':
      return typeof handle._repeat === 'number' ? `setInterval ${handle._repeat} ms` : `setTimeout ${handle._idleTimeout} ms`
    case 'PROCESSWRAP':
      return ownerOf(handle)?.spawnargs?.join(' ')
    case 'WORKER':
      return handle.threadId === undefined ? undefined : `thread ${handle.threadId}`
    case 'FSEVENTWRAP':
    case 'STATWATCHER':
      return path
    case 'FILEHANDLE':
    case 'RAWFILE':
      return handle.fd === undefined ? undefined : pathOfFile(handle.fd)
    default:
      return undefined
  }
}

/** Linux alone tells. */
function pathOfFile(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return undefined
  }
}

function pathOfListener(listener: Birth | undefined): Endpoint | undefined {
  if (listener?.type !== 'PIPESERVERWRAP') return undefined
  return pathOf(listeningOf(listener).path)
}

/** What a socket that does not stand yet, or no longer, was to be connected to. */
function dialledBy({ type, request }: Birth): Endpoint | undefined {
  if (request?.address === undefined) return undefined
  if (type === 'PIPEWRAP') return { path: request.address }
  return request.port === undefined ? undefined : { host: request.address, port: request.port }
}

function pathOf(path: string | undefined): Endpoint | undefined {
  return path === undefined ? undefined : { path }
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function siteOf({ file, line, column, function: name }: LeakSite): LeakSite {
  return { file, line, column, function: name }
}

const versions = new Map<string, string>()

function versioned({ package: from }: Frame): string {
  const { name, folder } = from!
  let text = versions.get(folder)
  if (text === undefined) {
    text = `${name}${versionIn(folder)}`
    versions.set(folder, text)
  }
  return text
}

function versionIn(folder: string): string {
  try {
    const { version } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as { version?: unknown }
    return typeof version === 'string' ? `@${version}` : ''
  } catch {
    return ''
  }
}

type Given<T> = { [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key] } & {
  [Key in keyof T as undefined extends T[Key] ? Key : never]?: Exclude<T[Key], undefined>
}

/** Without the members that are not known, so that a leak compares and prints as what is known of it. */
function given<T extends object>(all: T): Given<T> {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Given<T>
}
