import { execFile, execFileSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { has, type RealServer, startOnFreePort } from './child.ts'

/** Debian keeps the server's programs off the PATH. */
const DEBIAN = '/usr/lib/postgresql'

const folder = findPrograms()

export const hasPostgres = folder !== undefined

/** An empty database cluster in a folder of its own, on a server that saves no time for a crash that would not matter. */
export async function startPostgres(): Promise<RealServer> {
  const home = mkdtempSync(join(tmpdir(), 'postgres-'))
  const remove = (): void => rmSync(home, { recursive: true, force: true })
  const user = notRoot()
  if (user) chownSync(home, user.uid, user.gid)
  const options = { ...user, cwd: home, env: { ...process.env, LC_ALL: 'C' } }
  try {
    const data = join(home, 'data')
    const initdb = ['-D', data, '--no-sync', '--auth=trust', '--username=me', '--encoding=UTF8', '--no-instructions']
    await promisify(execFile)(join(folder!, 'initdb'), initdb, options)
    const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off', 'full_page_writes=off']
    const { port, stop } = await startOnFreePort((free) => ({
      command: join(folder!, 'postgres'),
      args: ['-D', data, '-p', String(free), ...settings.flatMap((one) => ['-c', one])],
      ready: /ready to accept connections/,
      options,
    }))
    return { url: `postgres://me@127.0.0.1:${port}/postgres`, stop: () => stop().finally(remove) }
  } catch (error) {
    remove()
    throw error
  }
}

function findPrograms(): string | undefined {
  if (has('initdb')) return join(execFileSync('which', ['initdb'], { encoding: 'utf8' }).trim(), '..')
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).toSorted((a, b) => Number(b) - Number(a)) : []
  return versions.map((version) => join(DEBIAN, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')))
}

/** Postgres refuses to run as root. */
function notRoot(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const idOf = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: idOf('-u'), gid: idOf('-g') }
}
