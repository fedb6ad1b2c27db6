/** Programs that are not ours, as peers. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { onTestFinished } from 'vitest'

export function has(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
}

/** Runs somebody else's program with `input` and gives what it printed. */
export async function foreign(command: string, args: readonly string[], input = ''): Promise<string> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  child.stdin.on('error', () => {}).end(input)
  await once(child, 'close')
  return text
}

/** Starts somebody else's server and gives the port that it says it listens on. */
export async function listeningForeign(command: string, args: readonly string[], says: RegExp): Promise<number> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  return new Promise((resolve, reject) => {
    const look = (chunk: Buffer): void => {
      text += String(chunk)
      const port = says.exec(text)?.[1]
      if (port) resolve(Number(port))
    }
    child.stdout.on('data', look)
    child.stderr.on('data', look)
    child.on('close', () => reject(new Error(`${command} ended without listening:\n${text}`)))
  })
}

/** A folder that is gone when the test has ended. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'netgrace-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}
