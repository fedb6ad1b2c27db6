import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { InvalidArgumentError } from 'commander'

/** The certificates in a file. */
export function certificateFile(path: string): string {
  return pemFile(path, 'certificate', (pem) => void new X509Certificate(pem))
}

/** The private key in a file. */
export function keyFile(path: string): string {
  return pemFile(path, 'private key without a passphrase', (pem) => void createPrivateKey(pem))
}

/** Whether the key is that of the certificate. */
export function isPair(certificate: string, key: string): boolean {
  return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
}

function pemFile(path: string, what: string, parse: (pem: string) => void): string {
  const pem = fileText(path)
  try {
    parse(pem)
    return pem
  } catch {
    throw new InvalidArgumentError(`It must hold a ${what}, in PEM.`)
  }
}

function fileText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new InvalidArgumentError(`It cannot be read: ${(error as NodeJS.ErrnoException).code}.`)
  }
}
