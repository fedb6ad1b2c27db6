import { execFile, execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'

import { connect, handlers, openRig, startServer, testCertificate } from '../../../src/index.ts'

const DAY_MS = 24 * 60 * 60 * 1000

function parsed(names?: readonly string[]): { leaf: X509Certificate; ca: X509Certificate } {
  const { cert, ca } = testCertificate({ names })
  return { leaf: new X509Certificate(cert), ca: new X509Certificate(ca) }
}

describe('a certificate for tests', () => {
  test('is signed by its authority, which signed itself, and is no authority itself', () => {
    const { leaf, ca } = parsed()
    expect(leaf.verify(ca.publicKey)).toBe(true)
    expect(leaf.checkIssued(ca)).toBe(true)
    expect(ca.verify(ca.publicKey)).toBe(true)
    expect([leaf.ca, ca.ca]).toStrictEqual([false, true])
    expect(leaf.serialNumber).not.toBe(ca.serialNumber)
  })

  test('is valid for loopback and the names asked for, and for no other', () => {
    const { leaf } = parsed(['db.test', '*.web.test', '10.1.2.3', '2001:DB8::7', 'bücher.test'])
    for (const name of ['localhost', 'db.test', 'a.web.test', 'xn--bcher-kva.test']) expect(leaf.checkHost(name), name).toBeDefined()
    for (const ip of ['127.0.0.1', '::1', '10.1.2.3', '2001:db8::7']) expect(leaf.checkIP(ip), ip).toBeDefined()
    for (const name of ['web.test', 'a.b.web.test', 'other.test']) expect(leaf.checkHost(name), name).toBeUndefined()
    expect(leaf.checkIP('10.1.2.4')).toBeUndefined()
    expect(parsed().leaf.checkHost('db.test')).toBeUndefined()
  })

  test('is valid from yesterday for a year', () => {
    for (const certificate of Object.values(parsed())) {
      expect(Date.parse(certificate.validFrom)).toBeLessThan(Date.now() - DAY_MS / 2)
      expect(Date.parse(certificate.validTo)).toBeGreaterThan(Date.now() + 360 * DAY_MS)
      expect(Date.parse(certificate.validTo)).toBeLessThan(Date.now() + 366 * DAY_MS)
    }
  })

  test('is made once a process for each set of names, by one authority', () => {
    const one = testCertificate({ names: ['a.test', 'b.test'] })
    expect(testCertificate({ names: ['B.test', 'a.test', 'localhost'] })).toBe(one)
    expect(testCertificate({ names: [] })).toBe(testCertificate())
    expect(testCertificate()).not.toBe(one)
    expect(testCertificate().ca).toBe(one.ca)
  })

  test.each<[unknown, RegExp]>([
    ['db.test', /^names must be a list of host names and IP addresses, got "db\.test"/],
    [[7], /^names\[0\] must be a host name .*, got 7/],
    [['a.test', 'no host'], /^names\[1\] must be .*, got "no host"/],
    [['a.test:443'], /got "a\.test:443"/],
    [['[::1]'], /got "\[::1\]"/],
    [['*'], /got "\*"/],
    [['a.*.test'], /got "a\.\*\.test"/],
    [[''], /got ""/],
    [['a..b'], /got "a\.\.b"/],
    [[`${'a'.repeat(64)}.test`], /names\[0\]/],
  ])('names of %j are refused', (names, message) => {
    const make = (): unknown => testCertificate({ names: names as string[] })
    expect(make).toThrow(TypeError)
    expect(make).toThrow(message)
  })

  test('an unknown option is refused', () => {
    expect(() => testCertificate({ hosts: [] } as object)).toThrow(/one of names, got "hosts"/)
  })
})

describe('where the date is faked', () => {
  afterEach(() => void vi.useRealTimers())

  test('a certificate is valid by the real one, which is the one that TLS looks at', () => {
    vi.useFakeTimers({ now: Date.parse('2001-01-01') })
    const { leaf } = parsed(['faked-date.test'])
    vi.useRealTimers()
    expect(Date.parse(leaf.validTo)).toBeGreaterThan(Date.now())
  })
})

test('openssl verifies it, strictly', () => {
  const folder = mkdtempSync(join(tmpdir(), 'netgrace-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const { cert, ca } = testCertificate({ names: ['db.test'] })
  writeFileSync(join(folder, 'cert.pem'), cert)
  writeFileSync(join(folder, 'ca.pem'), ca)
  const args = ['verify', '-x509_strict', '-purpose', 'sslserver', '-verify_hostname', 'db.test', '-CAfile', 'ca.pem', 'cert.pem']
  expect(execFileSync('openssl', args, { cwd: folder, encoding: 'utf8' })).toBe('cert.pem: OK\n')
})

test("a server of ours and a client that trusts its authority speak TLS; one that doesn't is refused", async () => {
  const { key, cert, ca } = testCertificate({ names: ['db.test'] })
  const server = await startServer(handlers.echo(), { tls: { key, cert } })
  onTestFinished(async () => void (await server.stop()))
  const client = await connect(server, { tls: { ca, servername: 'db.test' } })
  expect(await client.ask('hello')).toBe('hello')
  await client.close()
  await expect(connect(server, { tls: {} })).rejects.toMatchObject({ code: 'ERR_NETGRACE_CONNECT' })
  await expect(connect(server, { tls: { ca, servername: 'other.test' } })).rejects.toThrow(/other\.test/)
})

async function body(url: string, options: https.RequestOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    https
      .get(url, { agent: false, ...options }, (response) => response.on('data', (data: Buffer) => resolve(data.toString())))
      .on('error', reject)
  })
}

describe('rig.http with tls', () => {
  test('true: HTTPS with a certificate for loopback, whose authority the server gives', async () => {
    const rig = openRig()
    const server = await rig.http((_request, response) => void response.end('hello'), { tls: true })
    expect(server.url).toBe(`https://127.0.0.1:${server.port}`)
    expect(server.ca).toBe(testCertificate().ca)
    expect(await body(server.url, { ca: server.ca })).toBe('hello')
    await expect(body(server.url, {})).rejects.toMatchObject({ code: /CERT|ISSUER|SIGN|VERIFY/ })
    await rig.close()
  })

  test("a certificate of the test's own, and none", async () => {
    const rig = openRig()
    const { key, cert, ca } = testCertificate({ names: ['db.test'] })
    const server = await rig.http((_request, response) => void response.end('own'), { tls: { key, cert } })
    expect(server.ca).toBeUndefined()
    expect(await body(server.url, { ca, servername: 'db.test' })).toBe('own')
    const plain = await rig.http((_request, response) => void response.end('plain'), { tls: false })
    expect(plain.url).toMatch(/^http:/)
    await expect(rig.http(() => {}, { tls: 'yes' as never })).rejects.toThrow(/^tls must be true, false or an object of options, got "yes"/)
    await rig.close()
  })

  test('fetch trusts it by NODE_EXTRA_CA_CERTS', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'netgrace-'))
    const rig = openRig()
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const server = await rig.http((_request, response) => void response.end('fetched'), { tls: true })
    writeFileSync(join(folder, 'ca.pem'), server.ca!)
    const script = `fetch(process.argv[1]).then((response) => response.text()).then((text) => process.stdout.write(text))`
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') }
    expect((await promisify(execFile)(process.execPath, ['-e', script, server.url], { env })).stdout).toBe('fetched')
    await rig.close()
  })
})
