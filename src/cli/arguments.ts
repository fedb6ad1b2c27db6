import { readFileSync } from 'node:fs'

import { InvalidArgumentError } from 'commander'

import { endpointOf, type Address, type Endpoint } from '../model/endpoint.ts'
import { MAX_SEED } from '../proxy/proxy-options.ts'
import { parseDuration } from './duration.ts'

/** A whole number from 1. */
export function count(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || !Number.isSafeInteger(value)) throw new InvalidArgumentError('It must be a whole number from 1.')
  return value
}

/** A port to listen on; 0 lets the system choose. */
export function listenPort(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > 65535) throw new InvalidArgumentError('It must be a port, from 0 to 65535.')
  return value
}

/** A port to connect to. */
export function port(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || value > 65535) throw new InvalidArgumentError('It must be a port, from 1 to 65535.')
  return value
}

/** What stands in a file. */
export function fileText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new InvalidArgumentError(`It cannot be read: ${(error as NodeJS.ErrnoException).code}.`)
  }
}

/** Milliseconds, from 0. */
export function duration(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined) throw new InvalidArgumentError('It must be a duration such as 500ms, 3s or 2m, of at most 24 days.')
  return ms
}

/** Milliseconds, more than 0. */
export function timeout(text: string): number {
  const ms = duration(text)
  if (ms === 0) throw new InvalidArgumentError('It must be longer than 0.')
  return ms
}

export function address(text: string): Endpoint {
  try {
    return endpointOf(text)
  } catch {
    throw new InvalidArgumentError('It must be HOST:PORT, or a URL with host and port.')
  }
}

/** As {@link address}, and as it was written: a URL keeps its scheme and what is behind its port. A unix socket's path, too. */
export function upstream(text: string): Address {
  if (/^\.{0,2}\//.test(text)) return { path: text }
  try {
    endpointOf(text)
    return text
  } catch {
    throw new InvalidArgumentError('It must be HOST:PORT, a URL with host and port, or the path of a unix socket.')
  }
}

export function seed(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > MAX_SEED) throw new InvalidArgumentError(`It must be a whole number from 0 to ${MAX_SEED}.`)
  return value
}
