import { types } from 'node:util'

import { messageOf } from '../lifetime/throw-all.ts'
import { NetgraceError } from '../model/errors.ts'
import { wrongType, wrongValue } from '../model/invalid.ts'
import type { Plan } from './scenario-options.ts'

/** One message as it goes out, with its newline. Throws what is wrong with it: the callback is the caller's. */
export function messageBytes(message: Plan['message'], client: number, count: number): Buffer {
  const call = (): string => `message(${client}, ${count})`
  let text: string
  try {
    text = message(client, count)
  } catch (thrown) {
    throw new NetgraceError('ERR_NETGRACE_SCENARIO', `${call()} threw: ${messageOf(thrown)}`, { cause: thrown })
  }
  if (types.isPromise(text)) text.catch(() => {}) // of an async function, which may reject: it is refused already
  if (typeof text !== 'string') throw wrongType(`what ${call()} returns`, 'a string', text)
  if (text.includes('\n')) throw wrongValue(`what ${call()} returns`, 'one line, without a newline', text)
  return Buffer.from(`${text}\n`)
}
