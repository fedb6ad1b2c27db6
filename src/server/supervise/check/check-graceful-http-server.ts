import type { RequestOptions } from 'node:http'

import { AbortController } from '../../../lifetime/realm.ts'
import { Deadline } from '../../../lifetime/deadline.ts'
import { askedFor } from '../../../lifetime/origin.ts'
import { sleep } from '../../../lifetime/sleep.ts'
import { SETTLE_MS } from '../../../lifetime/stop.ts'
import { asError } from '../../../lifetime/throw-all.ts'
import { clearTimer, setTimer, turn } from '../../../lifetime/timers.ts'
import { NetgraceError } from '../../../model/errors.ts'
import { callback } from '../../../model/options.ts'
import { now } from '../../../timeline/clock.ts'
import { CheckClient, type CheckRun } from './check-client.ts'
import {
  checkCheckOptions,
  DEFAULT_CHECK_CLIENTS,
  DEFAULT_CHECK_WITHIN_MS,
  urlToAsk,
  type CheckOptions,
  type HttpServerToCheck,
} from './check-options.ts'
import { CLOSING_MS, makeCheckReport, type CheckReport, type StopOutcome } from './check-report.ts'

/** How many answers each client has had before the server is told to stop: its connection is kept alive by then. */
const ANSWERS_BEFORE = 3

/** How long none of these may come. Milliseconds, well below a test's own timeout. */
const WARM_UP_MS = 2000

/** In so many turns of the event loop a server of this process has read what was sent before. */
const TURNS_TO_READ = 3

/** A server of this process has so many turns of the event loop to close its listener, however long they take: each client may dial it once more meanwhile. */
const TURNS_TO_CLOSE = 64

/** How often it is tried, while it stops, whether it still accepts. Milliseconds. */
const PROBE_EVERY_MS = 20

/** How long such a dial may remain unanswered, as by a process that does not run any more. Milliseconds. */
const PROBE_WITHIN_MS = 200

/**
 * Stops a server of yours under keep-alive clients that ask without a pause, and says what that did to them.
 *
 * It checks *your* shutdown, whatever that is made of: `app.close()`, a signal handler's function, a package. Nothing of
 * it is replaced. The clients are `node:http`'s, in this process, each with one kept-alive connection; each goes on until it
 * is turned away. All of them are gone at the end; the server is yours to end if its `stop()` did not.
 *
 * @param make  Makes the server, listening: `{ url, stop() }` or `{ host, port, stop() }`.
 * @param options.clients  Default {@link DEFAULT_CHECK_CLIENTS}.
 * @param options.path  What they ask for. Default: the path of the url.
 * @param options.withinMs  How long `stop()` may take. Milliseconds, default {@link DEFAULT_CHECK_WITHIN_MS} and `acceptsForMs`.
 * @param options.acceptsForMs  How long after the call of `stop()` it may accept and answer as before. Milliseconds, default 0.
 * @param options.tls  For https: `{ ca }`, or what else `tls.connect` takes.
 * @throws {TypeError | RangeError}  An option is wrong, or what `make` gave is no such thing.
 * @throws {NetgraceError}  `ERR_NETGRACE_UNGRACEFUL`: it did not answer even before it was told to stop.
 */
export async function checkGracefulHttpServer(
  make: () => HttpServerToCheck | Promise<HttpServerToCheck>,
  options: CheckOptions = {},
): Promise<CheckReport> {
  callback('make', make)
  checkCheckOptions(options)
  return askedFor(async () => check(await make(), options))
}

async function check(server: HttpServerToCheck, options: CheckOptions): Promise<CheckReport> {
  const { clients: count = DEFAULT_CHECK_CLIENTS, path, acceptsForMs = 0, withinMs = DEFAULT_CHECK_WITHIN_MS + acceptsForMs, tls } = options
  const url = urlToAsk(server, path)
  const { Agent, request } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'))
  const counts = { requests: 0, lost: 0, unanswered: 0, worsened: 0, resetWhileIdle: 0, closedWithoutHeader: 0, acceptedAfterStop: 0 }
  const run: CheckRun = { counts, url, request, acceptsForMs, lateFromMs: undefined, stopCalled: undefined, worstBefore: 0, over: false }
  const agents = Array.from({ length: count }, () => new Agent({ keepAlive: true, maxSockets: 1, ...tls }))
  const clients = agents.map((agent) => new CheckClient(run, agent))
  let asking: Promise<unknown> = Promise.resolve()
  const end = (): void => {
    run.over = true
    for (const agent of agents) agent.destroy()
  }
  try {
    const answerMs = await firstAnswer(clients[0]!)
    asking = Promise.all(clients.map((client, n) => sleep((answerMs * n) / count).then(() => client.askOn())))
    await allAnswered(clients, ANSWERS_BEFORE)
    const stop = await stopUnder(server, run, withinMs, { ...tls, agent: false }, clients)
    const patience = new Deadline(SETTLE_MS) // each has yet to see its connection close, and to be refused
    await patience.beats(asking)
    patience.cancel()
    return makeCheckReport(counts, stop, count)
  } finally {
    end()
    await asking
  }
}

/** How long one answer takes: the clients begin apart by that, or the stop would find all of them at the same point. */
async function firstAnswer(client: CheckClient): Promise<number> {
  const startedAtMs = now()
  void client.ask()
  await allAnswered([client], 1)
  return now() - startedAtMs
}

async function allAnswered(clients: readonly CheckClient[], times: number): Promise<void> {
  let [answers, sinceMs] = [0, now()]
  while (clients.some(({ answered }) => answered < times)) {
    const failed = clients.find(({ failedBefore }) => failedBefore)?.failedBefore
    if (failed || now() - sinceMs > WARM_UP_MS) {
      const why = failed ? `: ${failed.message}` : ` within ${WARM_UP_MS} ms`
      throw new NetgraceError('ERR_NETGRACE_UNGRACEFUL', `the server did not answer, although nobody had stopped it${why}`, {
        cause: failed,
      })
    }
    await turn()
    const answered = clients.reduce((sum, client) => sum + client.answered, 0)
    if (answered > answers) [answers, sinceMs] = [answered, now()]
  }
}

async function stopUnder(
  server: HttpServerToCheck,
  run: CheckRun,
  withinMs: number,
  probing: RequestOptions,
  clients: readonly CheckClient[],
): Promise<StopOutcome> {
  const readMs = now()
  for (let turns = 0; turns < TURNS_TO_READ; turns++) await turn()
  const deadline = new Deadline(withinMs)
  const startedAtMs = now()
  run.stopCalled = { atMs: startedAtMs, readMs }
  let error: Error | undefined
  const settling = new AbortController()
  const stopping = (async () => server.stop())()
    .catch((thrown: unknown) => (error = asError(thrown)))
    .finally(() => settling.abort())
  const probed = probe(run, probing, settling.signal)
  const settled = await deadline.beats(stopping)
  deadline.cancel()
  const tookMs = now() - startedAtMs
  settling.abort()
  if (settled) run.counts.unanswered = await countUnanswered(clients)
  await probed
  if (settled && !error && (await accepts(run, probing))) run.counts.acceptedAfterStop++
  return { settled, error, tookMs }
}

/** How many of the requests that are under way have no whole answer once all that the server had written has been read. */
async function countUnanswered(clients: readonly CheckClient[]): Promise<number> {
  const asked = clients.flatMap((client) => (client.underWay ? [{ client, request: client.underWay }] : []))
  const open = (): typeof asked => asked.filter(({ client, request }) => client.underWay === request)
  const read = (): number => open().reduce((sum, { request }) => sum + (request.socket?.bytesRead ?? 0), 0)
  const patience = new Deadline(SETTLE_MS)
  let before = read()
  for (let quiet = 0; quiet < TURNS_TO_READ && open().length > 0 && !patience.passed; quiet++) {
    await turn()
    const after = read()
    if (after !== before) quiet = 0
    before = after
  }
  patience.cancel()
  return open().length
}

/** Tries, while it stops, whether it still accepts; a listener may take {@link CLOSING_MS} to close, and {@link TURNS_TO_CLOSE}. */
async function probe(run: CheckRun, options: RequestOptions, settled: AbortSignal): Promise<void> {
  await sleep(run.acceptsForMs + CLOSING_MS, settled)
  for (let turns = 0; turns < TURNS_TO_CLOSE && !settled.aborted; turns++) await turn()
  run.lateFromMs = now()
  while (!settled.aborted) {
    if (await accepts(run, options)) run.counts.acceptedAfterStop++
    await sleep(PROBE_EVERY_MS, settled)
  }
}

/** Dials, asks for nothing, and goes. */
function accepts({ request, url }: CheckRun, options: RequestOptions): Promise<boolean> {
  return new Promise((resolve) => {
    let connected = false
    const dialling = request(url, options, () => {})
    dialling.on('socket', (socket) =>
      socket.once('connect', () => {
        connected = true
        dialling.destroy()
      }),
    )
    const bound = setTimer(() => dialling.destroy(), PROBE_WITHIN_MS)
    dialling.on('error', () => {}) // refused, or gone: its `close` follows
    dialling.on('close', () => {
      clearTimer(bound)
      resolve(connected)
    })
  })
}
