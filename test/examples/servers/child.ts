/** A real server as a child process: ready when it says so, gone when it is stopped. */
import { spawn, spawnSync, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

export interface RealServer {
  readonly url: string
  stop(): Promise<void>
}

export interface Program {
  readonly command: string
  readonly args: readonly string[]
  /** What it prints once it serves. */
  readonly ready: RegExp
  readonly options?: SpawnOptions
}

/** Whether the shell would find it. */
export function has(command: string): boolean {
  return spawnSync('which', [command]).status === 0
}

/** Starts it, and resolves once it is ready, to what stops it. Rejects with what it said, if it gave up before. */
export async function startChild({ command, args, ready, options = {} }: Program): Promise<() => Promise<void>> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  let said = ''
  await new Promise<void>((resolve, reject) => {
    const listen = (chunk: Buffer): void => {
      said += chunk
      if (ready.test(said)) resolve()
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    exited.then(() => reject(new Error(`${command} gave up:\n${said}`)), reject)
  })
  return async () => {
    child.kill('SIGINT')
    await exited
  }
}

/** The same on a free port. Somebody else may take it before the server does; then there is another one. */
export async function startOnFreePort(program: (port: number) => Program): Promise<{ port: number; stop: () => Promise<void> }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    try {
      return { port, stop: await startChild(program(port)) }
    } catch (error) {
      if (attempt === 3 || !/address already in use/i.test(String(error))) throw error
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
