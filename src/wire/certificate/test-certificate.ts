import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'

import { checkOptions, type Rules } from '../../model/options.ts'
import { wallClock } from '../../timeline/clock.ts'
import { bitString, boolean, integer, namedBits, objectId, octetString, sequence, setOf, tagged, time, utf8 } from './der.ts'
import { subjectName, subjectNames } from './subject-names.ts'

export interface TestCertificateOptions {
  /** What it is valid for beside loopback: host names (`'db.test'`, `'*.db.test'`) and IP addresses. Default: none. */
  readonly names?: readonly string[] | undefined
}

/** A certificate with its key, and the authority that signed it: each as PEM. */
export interface TestCertificate {
  /** For the server: the private key, EC P-256. */
  readonly key: string
  /** For the server: the certificate. */
  readonly cert: string
  /** For the client: the authority to trust. The same for every certificate of this process. */
  readonly ca: string
}

/** From yesterday, because another machine's clock may be behind, for a year. */
const DAY_MS = 24 * 60 * 60 * 1000
const VALID_DAYS = 365

const ALWAYS: readonly string[] = ['localhost', '127.0.0.1', '::1']

const RULES: Rules<TestCertificateOptions> = { names: (_name, value) => void subjectNames(value) }

interface Authority {
  readonly name: Buffer
  readonly keys: KeyPair
  readonly cert: string
}

interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

let authority: Authority | undefined
const made = new Map<string, TestCertificate>()

/**
 * A certificate for tests: valid for `localhost`, `127.0.0.1`, `::1` and the names asked for, from yesterday for a year.
 *
 * Made once a process for each set of names, and signed by one authority of this process, whose key never leaves it:
 * a client that trusts `ca` trusts them all. Node and openssl verify it; it keeps the rules of browsers. For tests alone.
 *
 * @param options.names  Host names and IP addresses beside loopback; `*` may stand for the first label.
 * @throws {TypeError}  A name is neither.
 */
export function testCertificate(options: TestCertificateOptions = {}): TestCertificate {
  checkOptions(options, RULES)
  const names = subjectNames([...ALWAYS, ...(options.names ?? [])])
  const key = names.join(' ')
  const known = made.get(key)
  if (known) return known
  authority ??= makeAuthority()
  const certificate = makeCertificate(names, authority)
  made.set(key, certificate)
  return certificate
}

function makeAuthority(): Authority {
  const keys = newKeys()
  const name = distinguishedName(`netgrace test authority ${randomBytes(4).toString('hex')}`) // those of two processes are two
  const extensions = [
    extension('2.5.29.19', sequence(boolean(true), integer(Buffer.of(0))), true), // basicConstraints: an authority, of leaves only
    extension('2.5.29.15', namedBits(5, 6), true), // keyUsage: keyCertSign, cRLSign
    extension('2.5.29.14', octetString(keyId(keys))), // subjectKeyIdentifier
  ]
  return { name, keys, cert: signed({ issuer: name, subject: name, keys, extensions }, keys) }
}

function makeCertificate(names: readonly string[], { name, keys: issuerKeys, cert: ca }: Authority): TestCertificate {
  const keys = newKeys()
  const extensions = [
    extension('2.5.29.19', sequence(), true), // basicConstraints: no authority
    extension('2.5.29.15', namedBits(0), true), // keyUsage: digitalSignature
    extension('2.5.29.37', sequence(objectId('1.3.6.1.5.5.7.3.1'), objectId('1.3.6.1.5.5.7.3.2'))), // extKeyUsage: server and client
    extension('2.5.29.17', sequence(...names.map(generalName))), // subjectAltName
    extension('2.5.29.14', octetString(keyId(keys))), // subjectKeyIdentifier
    extension('2.5.29.35', sequence(tagged(0, keyId(issuerKeys)))), // authorityKeyIdentifier
  ]
  const subject = distinguishedName('netgrace test certificate')
  const cert = signed({ issuer: name, subject, keys, extensions }, issuerKeys)
  return { key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, cert, ca }
}

interface ToBeSigned {
  readonly issuer: Buffer
  readonly subject: Buffer
  readonly keys: KeyPair
  readonly extensions: readonly Buffer[]
}

/** RFC 5280 §4.1: a certificate of version 3, signed with ECDSA and SHA-256. */
function signed({ issuer, subject, keys, extensions }: ToBeSigned, { privateKey }: KeyPair): string {
  const algorithm = sequence(objectId('1.2.840.10045.4.3.2'))
  const now = wallClock()
  const certificate = sequence(
    tagged(0, integer(Buffer.of(2)), true),
    integer(serialNumber()),
    algorithm,
    issuer,
    sequence(time(new Date(now - DAY_MS)), time(new Date(now + VALID_DAYS * DAY_MS))),
    subject,
    publicKeyOf(keys),
    tagged(3, sequence(...extensions), true),
  )
  const pem = sequence(certificate, algorithm, bitString(sign('sha256', certificate, privateKey))).toString('base64')
  return `-----BEGIN CERTIFICATE-----\n${pem.replaceAll(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`
}

/** Positive, and without a zero byte in front, which DER forbids. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16)
  bytes[0] = 0x40 | (bytes[0]! & 0x3f)
  return bytes
}

function extension(id: string, content: Buffer, critical = false): Buffer {
  return sequence(objectId(id), ...(critical ? [boolean(true)] : []), octetString(content))
}

function generalName(name: string): Buffer {
  const subject = subjectName(name)
  return 'dns' in subject ? tagged(2, Buffer.from(subject.dns)) : tagged(7, subject.ip)
}

function distinguishedName(commonName: string): Buffer {
  return sequence(setOf(sequence(objectId('2.5.4.3'), utf8(commonName))))
}

function newKeys(): KeyPair {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
}

function publicKeyOf({ publicKey }: KeyPair): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' })
}

/** RFC 7093 §2, method 1: the first 160 bits of a SHA-256. */
function keyId(keys: KeyPair): Buffer {
  return createHash('sha256').update(publicKeyOf(keys)).digest().subarray(0, 20)
}
