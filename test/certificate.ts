import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

let made: { readonly key: string; readonly cert: string } | undefined

/** A key and a certificate for localhost and 127.0.0.1, made once a process by the openssl command: `{ ca: cert }` is all a client needs. */
export function certificate(): { readonly key: string; readonly cert: string } {
  made ??= make()
  return made
}

function make(): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'netgrace-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert, '-days', '2', ...subject], { stdio: 'ignore' })
  const pem = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  rmSync(folder, { recursive: true })
  return pem
}
