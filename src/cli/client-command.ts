import { connect } from '../client/connect.ts'
import { asError } from '../lifetime/throw-all.ts'
import type { Client } from '../model/client.ts'
import { describeEnding } from '../model/describe-ending.ts'
import type { Ending } from '../model/ending.ts'
import { formatEndpoint, type Endpoint } from '../model/endpoint.ts'
import { ConnectError } from '../model/errors.ts'
import { MODES } from './client-modes.ts'
import { EXIT_CODES, Interrupts } from './interrupts.ts'
import { stdout } from './output.ts'
import type { Target } from './target.ts'
import { Transcript } from './transcript.ts'

type Mode = keyof typeof MODES

/** What a peer's certificate lacks that is not signed by an authority of the system's. */
const UNTRUSTED: ReadonlySet<string | undefined> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** Talks to a server until the connection ends, tells how it ended, and gives the exit code. */
export async function clientCommand(target: Target, mode: Mode, json: boolean): Promise<number> {
  using interrupts = new Interrupts()
  const transcript = new Transcript(json)
  const ending = await talk(target, mode, interrupts, transcript)
  transcript.ended(ending, describeEnding(ending))
  if (interrupts.first) return EXIT_CODES[interrupts.first]
  return ending.kind === 'eof' ? 0 : 1
}

async function talk(target: Target, mode: Mode, interrupts: Interrupts, transcript: Transcript): Promise<Ending> {
  const stop = new AbortController()
  interrupts.onFirst((interrupt) => stop.abort(new Error(interrupt)))
  const client = await dial(target, stop.signal, transcript)
  if ('kind' in client) return client

  transcript.connected(client, mode)
  const close = (): void => {
    stop.abort()
    void client.close()
  }
  interrupts.onFirst((interrupt) => {
    transcript.say(`${interrupt}: closing, the peer has 1 s to answer; again to reset`)
    close()
  })
  interrupts.onSecond(() => void client.reset())
  const forget = stdout.onFailure(close) // the reader of our output has gone (`| head`)
  void client.ended.then(() => stop.abort())
  await MODES[mode](client, transcript, stop.signal)
  forget()
  return client.close()
}

/** Its signal is for the dialling alone: a client that stands is closed, and not dropped. */
async function dial({ to, tls }: Target, signal: AbortSignal, transcript: Transcript): Promise<Client | Ending> {
  const dialling = new AbortController()
  const giveUp = (): void => dialling.abort(asError(signal.reason))
  signal.addEventListener('abort', giveUp)
  try {
    return await connect(to, { signal: dialling.signal, ...(tls && { tls }) })
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error
    transcript.say(`could not connect to ${formatEndpoint(to)}${hint(to, error.ending)}`)
    return error.ending
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

function hint(to: Endpoint, { cause }: Ending): string {
  const { code } = (cause ?? {}) as NodeJS.ErrnoException
  if (UNTRUSTED.has(code)) return ': --ca FILE names a certificate to trust'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `: its certificate is for another name than ${'host' in to ? to.host : 'localhost'}; see --servername`
  return ''
}
