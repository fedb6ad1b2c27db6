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
  /** Connections that were dialled more than {@link CLOSING_MS} after `stop()` was called, or after it had settled, and accepted. */
  acceptedAfterStop: number
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

export function makeCheckReport(
  counts: CheckCounts,
  stop: { readonly settled: boolean; readonly error: Error | undefined; readonly tookMs: number },
  clients: number,
): CheckReport {
  const stopped = stop.settled && !stop.error
  const complaints = complaintsOf(counts, stop)
  const took = `${Math.round(stop.tookMs)} ms`
  const outcome = stopped ? `stopped in ${took}` : stop.error ? `stop() failed after ${took}` : `not stopped after ${took}`
  const wrong = complaints.length === 0 ? 'nothing lost' : `${counts.lost} lost, ${counts.resetWhileIdle} reset while idle`
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

function complaintsOf(
  { lost, resetWhileIdle, closedWithoutHeader, acceptedAfterStop }: CheckCounts,
  { settled, error, tookMs }: { readonly settled: boolean; readonly error: Error | undefined; readonly tookMs: number },
): string[] {
  const complaints: string[] = []
  if (!settled) {
    complaints.push(
      `stop() had not settled after ${Math.round(tookMs)} ms: close what is kept alive, and say \`Connection: close\` in the answers under way`,
    )
  }
  if (error) complaints.push(`stop() failed: ${error.message}`)
  if (lost > 0) complaints.push(`${of(lost, 'request')} sent before stop() got no whole answer: let what is under way finish`)
  if (resetWhileIdle > 0) {
    complaints.push(
      `${of(resetWhileIdle, 'request')} met a connection that was just being closed as idle: let idle connections linger, and close them by the next answer`,
    )
  }
  if (closedWithoutHeader > 0) {
    complaints.push(`${of(closedWithoutHeader, 'connection')} closed after an answer that did not say \`Connection: close\``)
  }
  if (acceptedAfterStop > 0) {
    complaints.push(`${of(acceptedAfterStop, 'connection')} accepted more than ${CLOSING_MS} ms after stop(): close the listener first`)
  }
  return complaints
}

function of(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
