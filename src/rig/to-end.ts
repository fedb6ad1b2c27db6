import { SETTLE_MS } from '../lifetime/stop.ts'
import { Deadline } from '../lifetime/deadline.ts'
import { describeEnding } from '../model/describe-ending.ts'
import { ENDING_KINDS, type Ending, type EndingKind } from '../model/ending.ts'
import { wrongType } from '../model/invalid.ts'
import { checkOptions, duration, oneOf } from '../model/options.ts'
import { HEADING } from '../timeline/story.ts'

/** Default of `withinMs`: how long a matcher waits for the ending. Milliseconds. */
export const DEFAULT_END_WITHIN_MS = 4 * SETTLE_MS

export interface ToEndOptions {
  /** Who ended it. Default: either. */
  readonly by?: Ending['by'] | undefined
  /** How long it may take to end. Default {@link DEFAULT_END_WITHIN_MS}. */
  readonly withinMs?: number | undefined
}

/** What a runner's matcher gives back. */
export interface Matched {
  readonly pass: boolean
  /** Told only when it is asked for: a story costs more than the wait. */
  message(): string
}

interface Ended {
  readonly ended: Promise<Ending>
  /** What happened to it and to all that shares its timeline. */
  tellStory?(): string
}

/** Whether a client, or a connection, ends as expected; its message tells what happened instead, from the timeline. */
export async function toEnd(client: Ended, kind: EndingKind, options: ToEndOptions = {}): Promise<Matched> {
  if (typeof client?.ended?.then !== 'function') throw wrongType('the value given to expect()', 'a client or a connection', client)
  oneOf(...ENDING_KINDS)('the kind of toEnd()', kind)
  checkOptions(options, { by: oneOf('peer', 'local'), withinMs: duration }, 'toEnd')
  const { by, withinMs = DEFAULT_END_WITHIN_MS } = options

  let ending: Ending | undefined
  const deadline = new Deadline(withinMs)
  await deadline.beats(client.ended.then((how) => (ending = how)))
  deadline.cancel()

  const wanted = by === undefined ? kind : `${kind} by ${by}`
  const came = ending ? `${ending.kind} by ${ending.by} (${describeEnding(ending)})` : `still open after ${withinMs} ms`
  const pass = ending !== undefined && ending.kind === kind && (by === undefined || ending.by === by)
  const sentence = pass // then a message is asked for by `not` alone
    ? `expected the connection not to end as ${wanted}, but it did: it was ${came}`
    : `expected the connection to end as ${wanted}, but it was ${came}`
  const message = (): string => {
    const story = client.tellStory?.()
    return story === undefined ? sentence : `${sentence}\n\n${HEADING}${story}\n`
  }
  return { pass, message }
}
