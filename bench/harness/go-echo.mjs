import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Builds parts/echo.go, or says that there is no Go here: `undefined`. Remove it afterwards. */
export function buildGoEcho() {
  const folder = mkdtempSync(join(tmpdir(), 'netgrace-bench-'))
  const program = join(folder, 'echo')
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    execFileSync('go', ['build', '-o', program, fileURLToPath(new URL('../parts/echo.go', import.meta.url))], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    return { program, remove }
  } catch (error) {
    remove()
    if (error.code !== 'ENOENT') throw error
    return undefined
  }
}

/** The program in a process of its own, once it listens; with the face of a `Peer`. */
export class GoEcho {
  #child

  constructor({ program }) {
    this.#child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] })
  }

  get pid() {
    return this.#child.pid
  }

  /** What a `Peer` is asked by `call('listen')`. */
  async call() {
    const [line] = await once(this.#child.stdout, 'data')
    return Number(String(line))
  }

  async end() {
    const gone = once(this.#child, 'exit')
    this.#child.stdin.end()
    await gone
  }
}
