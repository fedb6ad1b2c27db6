import { createInterface } from 'node:readline'

import { onAbort } from '../lifetime/on-abort.ts'
import { sleep } from '../lifetime/sleep.ts'
import type { Client } from '../model/client.ts'
import { ConnectionEndedError } from '../model/errors.ts'
import type { Transcript } from './transcript.ts'

/** How often `write` writes. Milliseconds. */
const WRITE_EVERY_MS = 1000

/** How long `interactive` reads on once it has said its last. Milliseconds. */
const ANSWER_MS = 1000

/** Talks on a connection until it has ended, or is to be closed; `stop` aborts when either happens. Closing is the caller's. */
type Mode = (client: Client, transcript: Transcript, stop: AbortSignal) => Promise<void>

const read: Mode = async (client, transcript, stop) => {
  for await (const chunk of client) {
    transcript.came(chunk)
    await transcript.room(stop) // a slow reader of ours slows the peer down, and fills no memory here
  }
}

const write: Mode = async (client, transcript, stop) => {
  const discarding = discard(client)
  for (let n = 1; !stop.aborted; n++) {
    if (!(await sent(client, `line #${n}`))) break
    transcript.sent(`line #${n}`)
    await sleep(WRITE_EVERY_MS, stop)
  }
  if (stop.aborted) await discarding
}

const interactive: Mode = async (client, transcript, stop) => {
  const reading = read(client, transcript, stop)
  const lines = createInterface({ input: process.stdin })
  const forget = onAbort(stop, () => lines.close())
  for await (const line of lines) {
    if (line === '' || !(await sent(client, line))) break
  }
  forget()
  lines.close()
  process.stdin.pause() // or it would keep the program
  if (stop.aborted) return reading
  client.halfClose()
  await Promise.race([reading, sleep(ANSWER_MS, stop)])
}

export const MODES = { read, write, interactive } as const

/** `false` once nothing can be sent any more. */
async function sent(client: Client, line: string): Promise<boolean> {
  try {
    await client.send(`${line}\n`)
    return true
  } catch (error) {
    if (error instanceof ConnectionEndedError || (error as NodeJS.ErrnoException).code === 'ERR_NETGRACE_HALF_CLOSED') return false
    throw error
  }
}

async function discard(client: Client): Promise<void> {
  for await (const _chunk of client);
}
