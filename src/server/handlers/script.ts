import { isRegExp } from '../../model/brand.ts'
import { sleep } from '../../lifetime/sleep.ts'
import { checkData, type Data } from '../../model/client.ts'
import type { Handler } from '../../model/connection.ts'
import { wrongType } from '../../model/invalid.ts'
import { checkOptions, duration, type Rule, type Rules } from '../../model/options.ts'
import { ScriptReader } from './script-reader.ts'

/**
 * One step of a scripted peer; what a step names is done in this order.
 * `expect`: text or bytes must be exactly what comes next; a pattern waits until what has come, as UTF-8, matches it, and takes that up
 * to the end of the match. What is no UTF-8 reads as U+FFFD, and is left behind byte for byte.
 */
export interface ScriptStep {
  readonly expect?: Data | RegExp | undefined
  readonly waitMs?: number | undefined
  readonly send?: Data | undefined
  readonly halfClose?: true | undefined
  readonly reset?: true | undefined
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
