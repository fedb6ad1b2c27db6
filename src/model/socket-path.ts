import { posix } from 'node:path'

import { outOfRange, wrongType, wrongValue } from './invalid.ts'

/** Bytes that the system takes for the path of a unix socket: its `sun_path`, less the NUL that ends it. Node 20 and 22 cut longer ones in silence. */
const LONGEST: Partial<Record<NodeJS.Platform, number>> = { linux: 107, android: 107, sunos: 107, aix: 1022 }

/** macOS and the BSDs: the least of all systems. */
const LEAST = 103

/** Characters of the name of a Windows pipe. */
const LONGEST_PIPE = 256

const PIPE = /^[\\/]{2}[.?][\\/]pipe[\\/]./i

/**
 * A path given for a unix socket, as it can be used from any working directory: checked, and absolute.
 *
 * A relative one is resolved here, when it is given: the working directory may be another one when the socket's file is
 * dialled or removed. A name in Linux's abstract namespace (`'\0name'`) and a Windows pipe (`\\.\pipe\name`) stay as they are.
 *
 * @throws {TypeError}   it is no path of a socket on this system.
 * @throws {RangeError}  it is longer than the system takes; the message names both lengths.
 */
export function socketPath(path: unknown, name: string, platform: NodeJS.Platform = process.platform): string {
  if (typeof path !== 'string') throw wrongType(name, 'a string', path)
  if (path === '') throw wrongValue(name, 'a path that is not empty', path)
  if (platform === 'win32') return pipe(path, name)
  if (path.startsWith('\0')) return abstract(path, name, platform)
  if (path.includes('\0')) throw wrongValue(name, 'a path without NUL', path)
  const absolute = posix.resolve(path)
  return within(LONGEST[platform] ?? LEAST, absolute, name, absolute === path ? '' : `, resolved from ${JSON.stringify(path)}`)
}

/** Whether a text is the path of a socket by its looks: absolute, `./…`, `../…`, a Windows pipe or a name in the abstract namespace. */
export function looksLikePath(text: string): boolean {
  return /^(?:\/|\.{1,2}\/|\0)/.test(text) || PIPE.test(text)
}

function abstract(path: string, name: string, platform: NodeJS.Platform): string {
  if (platform !== 'linux' && platform !== 'android') {
    throw wrongValue(name, `a path (${platform} has no abstract sockets, which begin with NUL)`, path)
  }
  return within(LONGEST.linux! + 1, path, name, ', its first NUL included')
}

function pipe(path: string, name: string): string {
  if (!PIPE.test(path)) throw wrongValue(name, String.raw`the name of a pipe, \\.\pipe\NAME, on Windows`, path)
  if (path.length <= LONGEST_PIPE) return path
  throw outOfRange(name, `at most ${LONGEST_PIPE} characters`, path, `${path.length}: ${JSON.stringify(path)}`)
}

function within(longest: number, path: string, name: string, hint: string): string {
  const bytes = Buffer.byteLength(path)
  if (bytes <= longest) return path
  throw outOfRange(
    name,
    `at most ${longest} bytes, the limit of a unix socket's path here`,
    path,
    `${bytes}: ${JSON.stringify(path)}${hint}`,
  )
}
