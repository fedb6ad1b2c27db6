import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { expect, test } from 'vitest'

const door = fileURLToPath(new URL('../../dist/index.js', import.meta.url))

/** What a program prints that uses netgrace and then has nothing more to do: it has to exit by itself. */
async function run(program: string): Promise<string> {
  const source = `import { connect, startEchoServer } from ${JSON.stringify(door)}\n${program}`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source], { timeout: 25_000 })
  return stdout.trim()
}

test('a port that is held keeps no process alive', async () => {
  const out = await run(`
    const server = await startEchoServer()
    await server.stop({ holdPort: true })
    const { code } = await connect(server).catch((error) => error.cause)
    process.on('exit', () => console.log(code))`)
  expect(out).toBe('ECONNREFUSED')
})

test('neither does the timeout of a connect that succeeded, or of a close', async () => {
  const out = await run(`
    const server = await startEchoServer({ graceMs: 60_000 })
    const client = await connect(server, { connectTimeoutMs: 60_000, closeTimeoutMs: 60_000 })
    await client.ask('hello')
    await client.close()
    await server.stop()
    process.on('exit', () => console.log('exited'))`)
  expect(out).toBe('exited')
})
