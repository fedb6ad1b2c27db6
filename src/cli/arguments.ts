import { InvalidArgumentError } from 'commander'

import { endpointOf, type Address, type Endpoint } from '../model/endpoint.ts'
import { looksLikePath } from '../model/socket-path.ts'
import { MAX_SEED } from '../proxy/proxy-options.ts'
import { parseDuration } from './duration.ts'

/** A whole number from 1. */
export function count(text: string): number {
  return wholeNumber(text, Number.MAX_SAFE_INTEGER, 'a whole number from 1')
}

/** A whole number from 1 to `most`. */
export function countTo(most: number): (text: string) => number {
  return (text) => wholeNumber(text, most, `a whole number from 1 to ${most}`)
}

function wholeNumber(text: string, most: number, allowed: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || value > most) throw new InvalidArgumentError(`It must be ${allowed}.`)
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

/** A host to listen on or to connect to. */
export function host(text: string): string {
  if (/^$|\s/.test(text)) throw new InvalidArgumentError('It must be a name or an IP address.')
  return text
}

/** A name that a certificate can be for: TLS has no such field for an IP address. */
export function serverName(text: string): string {
  if (/^[\d.]+$|[:\s]|^$/.test(text)) throw new InvalidArgumentError('It must be a name, and no IP address.')
  return text
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
  } catch (error) {
    throw noAddress(text, error as Error)
  }
}

/** As {@link address}, and as it was written: a URL keeps its scheme and what is behind its port. */
export function upstream(text: string): Address {
  address(text)
  return text
}

function noAddress(text: string, { message }: Error): InvalidArgumentError {
  const [, longest] = /at most (\d+ bytes)/.exec(message) ?? []
  if (looksLikePath(text) && longest) return new InvalidArgumentError(`A unix socket's path must be at most ${longest} here.`)
  return new InvalidArgumentError('It must be HOST:PORT, a URL with host and port, or the path of a unix socket.')
}

export function seed(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > MAX_SEED) throw new InvalidArgumentError(`It must be a whole number from 0 to ${MAX_SEED}.`)
  return value
}
