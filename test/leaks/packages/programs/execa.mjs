import { execa } from 'execa'

const forEver = ['-e', 'process.stdin.resume(); setInterval(() => {}, 1000)']

export async function waitedFor() {
  await execa('echo', ['hello'])
  await Promise.all([execa({ lines: true })`echo hello`, execa({ all: true })`echo hello`])
}

export async function timesOut() {
  await execa(process.execPath, forEver, { timeout: 50 }).catch(() => {})
}

export async function killed() {
  const child = execa(process.execPath, forEver)
  child.kill()
  await child.catch(() => {})
}

export async function cancelled() {
  const abort = new AbortController()
  const child = execa(process.execPath, forEver, { cancelSignal: abort.signal })
  abort.abort()
  await child.catch(() => {})
}

export async function notFound() {
  await execa('no-such-program-anywhere').catch(() => {})
}

export async function left() {
  execa(process.execPath, forEver).catch(() => {}) //! child-process
}

export async function leftWithAChannel() {
  execa(process.execPath, forEver, { ipc: true }).catch(() => {}) //! child-process
}
