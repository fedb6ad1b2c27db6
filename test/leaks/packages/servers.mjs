// The servers that the programs speak to, each on a free port of the loopback and with its data in a folder of its own.
import { spawn, spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const NOBODY = 65_534
const PLACES = [...process.env.PATH.split(delimiter), '/usr/sbin', '/usr/lib/postgresql/17/bin', '/usr/lib/postgresql/15/bin']

/** Each: the program, and how it is started on a port, with its data in a folder. */
const SERVERS = {
  redis: {
    program: 'redis-server',
    args: (port, folder) => ['--port', port, '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
  },
  postgres: {
    program: 'postgres',
    prepare: (folder) => inFolder('initdb', ['-D', folder, '-U', 'postgres', '--auth', 'trust', '--no-sync'], folder),
    args: (port, folder) => ['-D', folder, '-p', port, '-h', '127.0.0.1', '-k', folder, '-F'],
    // It listens before the database takes anybody in.
    // SIGTERM waits for the clients.
    endWith: 'SIGINT',
    isReady: (port) => spawnSync(find('pg_isready'), ['-h', '127.0.0.1', '-p', port]).status === 0,
  },
  mosquitto: {
    program: 'mosquitto',
    prepare: (folder, port) => writeFileSync(join(folder, 'conf'), `listener ${port} 127.0.0.1\nallow_anonymous true\n`),
    args: (port, folder) => ['-c', join(folder, 'conf')],
  },
  mariadb: {
    program: 'mariadbd',
    // Without its tables of grants, which it does not need to answer.
    args: (port, folder) => [
      '--no-defaults',
      '--skip-grant-tables',
      `--datadir=${folder}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--socket=${join(folder, 'socket')}`,
    ],
  },
  nats: {
    program: 'nats-server',
    args: (port) => ['-a', '127.0.0.1', '-p', port],
  },
}

export const SERVER_NAMES = Object.keys(SERVERS)

/** The program's name if it is not on this machine. */
export function absentProgram(name) {
  const { program } = SERVERS[name]
  return find(program) ? undefined : program
}

/** Resolves once the server takes connections. The caller ends it with `stop()`. */
export async function startRealServer(name) {
  const { program, prepare, args, isReady = answers, endWith = 'SIGTERM' } = SERVERS[name]
  const folder = mkdtempSync(join(tmpdir(), `netgrace-${name}-`))
  if (isRoot()) chownSync(folder, NOBODY, NOBODY)
  const port = String(await freePort())
  prepare?.(folder, port)
  const child = spawn(find(program), args(port, folder), { cwd: folder, stdio: 'ignore', ...asNobody() })
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(endWith)
      await once(child, 'exit')
    }
    rmSync(folder, { recursive: true, force: true })
  }
  for (let tries = 0; !(await isReady(port)); tries++) {
    if (child.exitCode !== null || tries === 200) {
      child.kill('SIGKILL')
      throw new Error(`${program} does not start (${child.exitCode ?? 'no answer for 20 s'})`)
    }
    await delay(100)
  }
  return { port: Number(port), stop }
}

function find(program) {
  return PLACES.map((place) => join(place, program)).find((path) => existsSync(path))
}

function inFolder(program, args, cwd) {
  const { status, stderr, stdout } = spawnSync(find(program), args, { cwd, encoding: 'utf8', ...asNobody() })
  if (status !== 0) throw new Error(`${program}: ${stderr}${stdout}`)
}

function isRoot() {
  return process.getuid?.() === 0
}

/** PostgreSQL and MariaDB refuse to be run by root. */
function asNobody() {
  return isRoot() ? { uid: NOBODY, gid: NOBODY } : {}
}

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = net.connect(Number(port), '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
