import { connect } from '../client/connect.ts'
import { asError } from '../lifetime/throw-all.ts'
import type { Client } from '../model/client.ts'
import { describeEnding } from '../model/describe-ending.ts'
import type { Ending } from '../model/ending.ts'
import { formatEndpoint } from '../model/endpoint.ts'
import { ConnectError } from '../model/errors.ts'
import { MODES } from './client-modes.ts'
import { EXIT_CODES, Interrupts } from './interrupts.ts'
import { Transcript } from './transcript.ts'

export interface ClientArguments {
  readonly port: number
  readonly host: string
  readonly mode: keyof typeof MODES
  readonly json?: true
}

/** Talks to a server until the connection ends, tells how it ended, and gives the exit code. */
export async function clientCommand({ host, port, mode, json }: ClientArguments): Promise<number> {
  using interrupts = new Interrupts()
  const transcript = new Transcript(json ?? false)
  const ending = await talk({ host, port }, mode, interrupts, transcript)
  transcript.ended(ending, describeEnding(ending))
  if (interrupts.first) return EXIT_CODES[interrupts.first]
  return ending.kind === 'eof' ? 0 : 1
}

async function talk(
  to: { readonly host: string; readonly port: number },
  mode: ClientArguments['mode'],
  interrupts: Interrupts,
  transcript: Transcript,
): Promise<Ending> {
  const stop = new AbortController()
  interrupts.onFirst((interrupt) => stop.abort(new Error(interrupt)))
  const client = await dial(to, stop.signal, transcript)
  if ('kind' in client) return client

  transcript.connected(client, mode)
  const sayGoodbye = (): void => {
    stop.abort()
    void client.close()
  }
  interrupts.onFirst((interrupt) => {
    transcript.say(`${interrupt}: closing, the peer has 1 s to answer; again to reset`)
    sayGoodbye()
  })
  interrupts.onSecond(() => void client.reset())
  process.stdout.on('error', sayGoodbye) // nobody reads on (`| head`)
  void client.ended.then(() => stop.abort())
  await MODES[mode](client, transcript, stop.signal)
  process.stdout.off('error', sayGoodbye)
  return client.close()
}

/** Its signal is for the dialling alone: a client that stands is closed, and not dropped. */
async function dial(
  to: { readonly host: string; readonly port: number },
  signal: AbortSignal,
  transcript: Transcript,
): Promise<Client | Ending> {
  const dialling = new AbortController()
  const giveUp = (): void => dialling.abort(asError(signal.reason))
  signal.addEventListener('abort', giveUp)
  try {
    return await connect(to, { signal: dialling.signal })
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error
    transcript.say(`could not connect to ${formatEndpoint(to)}`)
    return error.ending
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
