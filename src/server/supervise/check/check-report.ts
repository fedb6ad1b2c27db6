import { NetgraceError } from '../../../model/errors.ts'

/** Who is dialled so long after `stop()` was called must be refused: until then a listener may be closing. Milliseconds. */
export const CLOSING_MS = 100

/** What became of the clients' requests. */
export interface CheckCounts {
  /** Requests that were made, those of the time before `stop()` included. */
  requests: number
  /** Sent before `stop()` was called, and read by then, but never answered; or answered by half. */
  lost: number
  /** Sent later, on a kept-alive connection that the server closed at that moment without an answer: whoever sent it could not know. */
  resetWhileIdle: number
  /** Connections that the server closed after an answer that could have said `Connection: close` and did not. */
  closedWithoutHeader: number
  /** Connections that were dialled more than {@link CLOSING_MS} after `acceptsForMs` had passed since the call of `stop()`, or after that had settled, and accepted. */
  acceptedAfterStop: number
  /** Requests that were under way when `stop()` had settled: a process that ends then does not answer them. */
  unanswered: number
  /** Answers after `stop()` was called whose status was an error of a kind that no answer before had: 503 instead of 200, say. */
  worsened: number
}

/** What a check came to. */
export interface CheckReport extends Readonly<CheckCounts> {
  /** It has stopped, and all the counts but `requests` are 0. */
  readonly ok: boolean
  /** One line for people. */
  readonly summary: string
  /** `stop()` settled in time, and without an error. */
  readonly stopped: boolean
  /** What `stop()` threw. */
  readonly stopError: Error | undefined
  /** From the call of `stop()` until it settled, or until the check went on without it. Milliseconds. */
  readonly tookMs: number
  /** @throws {NetgraceError} `ERR_NETGRACE_UNGRACEFUL`: it is not `ok`; the message says what went wrong, and what would mend it. */
  assertOk(): void
}

/** What became of `stop()`. */
export interface StopOutcome {
  readonly settled: boolean
  readonly error: Error | undefined
  readonly tookMs: number
}

export function makeCheckReport(counts: CheckCounts, stop: StopOutcome, clients: number): CheckReport {
  const stopped = stop.settled && !stop.error
  const failures = Object.keys(FAILURES).filter((name) => counts[name as Failure] > 0) as Failure[]
  const complaints = [...complaintsOfStop(stop), ...failures.map((name) => FAILURES[name].complain(counts[name]))]
  const took = `${Math.round(stop.tookMs)} ms`
  const outcome = stopped ? `stopped in ${took}` : stop.error ? `stop() failed after ${took}` : `not stopped after ${took}`
  const wrong = failures.length === 0 ? 'nothing lost' : failures.map((name) => `${counts[name]} ${FAILURES[name].inShort}`).join(', ')
  const summary = `${clients} keep-alive clients, ${counts.requests} requests: ${outcome}, ${wrong}`
  return {
    ...counts,
    ok: complaints.length === 0,
    summary,
    stopped,
    stopError: stop.error,
    tookMs: stop.tookMs,
    assertOk() {
      if (complaints.length === 0) return
      const lines = complaints.map((complaint) => `\n  ${complaint}`)
      throw new NetgraceError('ERR_NETGRACE_UNGRACEFUL', summary + lines.join(''), { cause: stop.error })
    },
  }
}

type Failure = Exclude<keyof CheckCounts, 'requests'>

/** Each count that must be 0: its words in the summary, and what it says to do. */
const FAILURES: Readonly<Record<Failure, { readonly inShort: string; complain(count: number): string }>> = {
  lost: {
    inShort: 'lost',
    complain: (count) => `${of(count, 'request')} sent before stop() got no whole answer: let what is under way finish`,
  },
  unanswered: {
    inShort: 'unanswered when stop() settled',
    complain: (count) =>
      `${of(count, 'request')} had no whole answer when stop() settled: have it settle when the last connection has closed, or what is under way ends with the process`,
  },
  worsened: {
    inShort: 'answered with a worse status',
    complain: (count) =>
      `${of(count, 'answer')} after stop() had a worse status than any before: close what requests depend on after the last of them, and refuse nobody who is connected`,
  },
  resetWhileIdle: {
    inShort: 'reset while idle',
    complain: (count) =>
      `${of(count, 'request')} met a connection that was just being closed as idle: let idle connections linger, and close them by the next answer`,
  },
  closedWithoutHeader: {
    inShort: 'closed without header',
    complain: (count) => `${of(count, 'connection')} closed after an answer that did not say \`Connection: close\``,
  },
  acceptedAfterStop: {
    inShort: 'accepted after stop()',
    complain: (count) =>
      `${of(count, 'connection')} accepted more than ${CLOSING_MS} ms after stop(): close the listener first, or permit it with acceptsForMs`,
  },
}

function complaintsOfStop({ settled, error, tookMs }: StopOutcome): string[] {
  if (error) return [`stop() failed: ${error.message}`]
  if (settled) return []
  return [
    `stop() had not settled after ${Math.round(tookMs)} ms: close what is kept alive, and say \`Connection: close\` in the answers under way`,
  ]
}

function of(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
