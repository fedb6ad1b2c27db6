import { isIP, isIPv4 } from 'node:net'
import { domainToASCII, URL } from 'node:url'

import { wrongType, wrongValue } from '../../model/invalid.ts'

/** A name that a certificate is valid for, as it stands in it. */
export type SubjectName = { readonly dns: string } | { readonly ip: Buffer }

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i

/**
 * The names asked for, checked, each once, in one order. Throws a `TypeError` for what is neither the name of a host, with
 * `*` for its first label perhaps, nor an IP address.
 */
export function subjectNames(names: unknown): readonly string[] {
  if (!Array.isArray(names)) throw wrongType('names', 'a list of host names and IP addresses', names)
  return [...new Set(names.map((name: unknown, n) => canonical(name, `names[${n}]`)))].toSorted()
}

export function subjectName(canonicalName: string): SubjectName {
  return isIP(canonicalName) === 0 ? { dns: canonicalName } : { ip: bytesOf(canonicalName) }
}

function canonical(name: unknown, option: string): string {
  const allowed = "a host name ('db.test', '*.db.test') or an IP address, without port or brackets"
  if (typeof name !== 'string') throw wrongType(option, allowed, name)
  if (isIP(name) !== 0) return isIPv4(name) ? name : hostOf(name)
  const wildcard = name.startsWith('*.') ? '*.' : ''
  const ascii = domainToASCII(name.slice(wildcard.length)) // '' for what is no domain
  if (ascii === '' || ascii.length > 253 || !ascii.split('.').every((label) => LABEL.test(label))) throw wrongValue(option, allowed, name)
  return wildcard + ascii
}

/** IPv6 as a URL writes it: lower case, the longest run of zeros as `::`, no IPv4 at its end. */
function hostOf(ip: string): string {
  return new URL(`http://[${ip.replace(/%.*$/, '')}]`).hostname.slice(1, -1)
}

function bytesOf(ip: string): Buffer {
  if (isIPv4(ip)) return Buffer.from(ip.split('.').map(Number))
  const [head, tail] = ip.split('::').map((groups) => groups.split(':').filter((group) => group !== ''))
  const zeros = Array.from({ length: 8 - head!.length - (tail?.length ?? 0) }, () => '0')
  return Buffer.from([...head!, ...zeros, ...(tail ?? [])].map((group) => group.padStart(4, '0')).join(''), 'hex')
}
