import { asError } from '../lifetime/throw-all.ts'
import { plainError, realError, type PlainError } from '../spawn/plain-error.ts'
import { messageBytes } from './message-bytes.ts'
import { defaultMessage, type Plan } from './scenario-options.ts'
import type { Ids } from './share.ts'

/** What each client says, where the function that knows it cannot go: its lines, and what was wrong with the one behind them. */
export type Texts = readonly { readonly lines: readonly string[]; readonly wrong: PlainError | undefined }[]

/** All lines of these clients; none where they say what clients say by default. */
export function textsFor({ first, last }: Ids, messages: number, message: Plan['message']): Texts | undefined {
  if (message === defaultMessage) return undefined
  return Array.from({ length: last - first + 1 }, (_, n) => linesOf(first + n, messages, message))
}

/** One message of one of these clients as it goes out. Throws what is wrong with it. */
export function bytesFrom(texts: Texts | undefined, first: number, client: number, count: number): Buffer {
  if (!texts) return messageBytes(defaultMessage, client, count)
  const { lines, wrong } = texts[client - first]!
  if (count > lines.length) throw realError(wrong!)
  return Buffer.from(`${lines[count - 1]}\n`)
}

function linesOf(client: number, messages: number, message: Plan['message']): Texts[number] {
  const lines: string[] = []
  try {
    for (let count = 1; count <= messages; count++) lines.push(messageBytes(message, client, count).toString('utf8').slice(0, -1))
    return { lines, wrong: undefined }
  } catch (thrown) {
    return { lines, wrong: plainError(asError(thrown)) }
  }
}
