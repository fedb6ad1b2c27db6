import { isRegExp } from '../../model/brand.ts'
import { sleep } from '../../lifetime/sleep.ts'
import { checkData, type Data } from '../../model/client.ts'
import type { Connection, Handler } from '../../model/connection.ts'
import { NetgraceError } from '../../model/errors.ts'
import { wrongType } from '../../model/invalid.ts'
import { checkOptions, duration, type Rule, type Rules } from '../../model/options.ts'
import { quoted } from '../../model/visible.ts'

/**
 * One step of a scripted peer; what a step names is done in this order.
 * `expect`: text or bytes must be exactly what comes next; a pattern waits until what has come matches it, and takes that up to the end of the match.
 */
export interface ScriptStep {
  readonly expect?: Data | RegExp
  readonly waitMs?: number
  readonly send?: Data
  readonly halfClose?: true
  readonly reset?: true
}

const data: Rule = (name, value) => checkData(value, name)

const yes: Rule = (name, value) => {
  if (value !== true) throw wrongType(name, 'true', value)
}

const RULES: Rules<ScriptStep> = {
  expect: (name, value) => {
    if (!isRegExp(value)) data(name, value)
  },
  waitMs: duration,
  send: data,
  halfClose: yes,
  reset: yes,
}

/**
 * A peer that plays its part once on each connection, and then half-closes.
 * @throws {NetgraceError} `ERR_NETGRACE_SCRIPT`, as the handler's error: the step, what it expected, and what came.
 */
export function script(steps: readonly ScriptStep[]): Handler {
  if (!Array.isArray(steps)) throw wrongType('steps', 'an array', steps)
  for (const [n, step] of steps.entries()) checkOptions(step as ScriptStep, RULES, `steps[${n}]`)
  return async (connection, quit) => {
    const reader = new ScriptReader(connection)
    for (const [n, step] of steps.entries()) {
      if (step.expect !== undefined) await reader.expect(step.expect, `step ${n + 1} of ${steps.length}`)
      if (step.waitMs !== undefined) await sleep(step.waitMs, quit)
      if (step.send !== undefined) await connection.send(step.send)
      if (step.halfClose) connection.halfClose()
      if (step.reset) await connection.reset()
    }
  }
}

/** What has come and was not taken by a step yet. */
class ScriptReader {
  readonly #chunks: AsyncIterator<Buffer>
  #come = Buffer.alloc(0)

  constructor(connection: Connection) {
    this.#chunks = connection[Symbol.asyncIterator]()
  }

  async expect(expected: Data | RegExp, step: string): Promise<void> {
    const taken = isRegExp(expected) ? matchEnd(expected) : prefixEnd(Buffer.from(expected))
    for (;;) {
      const end = taken(this.#come)
      if (typeof end === 'number') {
        this.#come = this.#come.subarray(end)
        return
      }
      if (end === 'never') throw this.#mismatch(expected, step, '')
      const { value, done } = await this.#chunks.next()
      if (done) throw this.#mismatch(expected, step, ', and then the end')
      this.#come = Buffer.concat([this.#come, value])
    }
  }

  #mismatch(expected: Data | RegExp, step: string, how: string): NetgraceError {
    const wanted = isRegExp(expected) ? String(expected) : quoted(Buffer.from(expected).toString())
    const came = this.#come.length === 0 ? 'nothing' : quoted(this.#come.toString('utf8', 0, 200))
    return new NetgraceError('ERR_NETGRACE_SCRIPT', `script, ${step}: expected ${wanted}, but ${came} came${how}`)
  }
}

/** How many bytes a step takes of what has come; `wait`: more must come first; `never`: nothing that comes could help. */
type Taken = (come: Buffer) => number | 'wait' | 'never'

function matchEnd(pattern: RegExp): Taken {
  const once = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))
  return (come) => {
    const text = come.toString('utf8')
    const match = once.exec(text)
    return match ? Buffer.byteLength(text.slice(0, match.index + match[0].length)) : 'wait'
  }
}

function prefixEnd(expected: Buffer): Taken {
  return (come) => {
    const length = Math.min(come.length, expected.length)
    if (!come.subarray(0, length).equals(expected.subarray(0, length))) return 'never'
    return come.length >= expected.length ? expected.length : 'wait'
  }
}
