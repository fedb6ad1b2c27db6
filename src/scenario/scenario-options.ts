import { outOfRange, wrongValue } from '../model/invalid.ts'
import { callback, checkOptions, duration, integer, timeout, oneOf, signal, type Rules } from '../model/options.ts'
import type { ScenarioProgress } from './progress.ts'

export const DEFAULT_CLIENTS = 10
/** Messages of each client. */
export const DEFAULT_MESSAGES = 10
/** What the whole may take, beside the pauses that were asked for: below the 5,000 that a test may take in most runners. Milliseconds. */
export const DEFAULT_TIMEOUT_MS = 4000
/** And for each message of all clients together, and for each client, which has to dial. Milliseconds. */
export const DEFAULT_TIMEOUT_EACH_MS = 2
export const DEFAULT_TIMEOUT_CLIENT_MS = 10
/** A system has fewer ports to dial one server from. */
export const MOST_CLIENTS = 100_000
/** Of all clients together: the time of each round trip is kept for the percentiles. */
export const MOST_MESSAGES = 100_000_000
/** Threads or processes that may be asked for. */
export const MOST_WORKERS_ASKED = 1000
/** So many threads or processes are started unless more are asked for: 1,000 clients are not 1,000 processes. */
export const MOST_WORKERS = 16

export interface ScenarioOptions {
  /** How many clients, {@link MOST_CLIENTS} at most. Default {@link DEFAULT_CLIENTS}. */
  readonly clients?: number | undefined
  /** How many messages each of them sends; {@link MOST_MESSAGES} at most of all together. Default {@link DEFAULT_MESSAGES}. */
  readonly messages?: number | undefined
  /** The pause between a reply and the next message. Default 0; the original of 2013 slept 100. */
  readonly intervalMs?: number | undefined
  /** Where the clients run: in this event loop, in threads, or in processes, which can be killed and frozen. Default `inline`. */
  readonly in?: 'inline' | 'thread' | 'process' | undefined
  /** How many threads or processes share the clients, {@link MOST_WORKERS_ASKED} at most. Default: one a client, up to {@link MOST_WORKERS}. */
  readonly workers?: number | undefined
  /**
   * The text of a message, without a newline; both count from 1. Default `client #3, count 7`. A function cannot go to
   * another thread: there all texts are made before the start, and sent along.
   */
  readonly message?: ((client: number, count: number) => string) | undefined
  /**
   * Bounds the whole, from the moment that all clients begin: whoever is not done is cut, and its row says what it was
   * doing. Default {@link DEFAULT_TIMEOUT_MS}, {@link DEFAULT_TIMEOUT_CLIENT_MS} a client,
   * {@link DEFAULT_TIMEOUT_EACH_MS} a message of all clients together, and the pauses.
   */
  readonly timeoutMs?: number | undefined
  /** Aborting it: no new message, replies on their way are still read, each client closes, for at most a second. */
  readonly signal?: AbortSignal | undefined
  /** Called at most once a turn of the event loop, and a last time before the report; never after it. What it throws fails the report. */
  readonly onProgress?: ((progress: ScenarioProgress) => void) | undefined
}

/** The options with their defaults; there are 0 workers where all is inline. */
export interface Plan extends Given<Omit<ScenarioOptions, 'signal' | 'onProgress'>>, Pick<ScenarioOptions, 'signal' | 'onProgress'> {}

type Given<Options> = { readonly [Key in keyof Options]-?: Exclude<Options[Key], undefined> }

const RULES: Rules<ScenarioOptions> = {
  clients: integer(1, MOST_CLIENTS),
  messages: integer(1, MOST_MESSAGES),
  intervalMs: duration,
  in: oneOf('inline', 'thread', 'process'),
  workers: integer(1, MOST_WORKERS_ASKED),
  message: callback,
  timeoutMs: timeout,
  signal,
  onProgress: callback,
}

/** What a client says unless it is told otherwise. */
export function defaultMessage(client: number, count: number): string {
  return `client #${client}, count ${count}`
}

export const LONGEST_TIMER_MS = 2 ** 31 - 1

/** How many threads or processes so many clients share: no more than there are clients. */
export function workersFor(clients: number, asked: number = MOST_WORKERS): number {
  return Math.min(clients, asked)
}

function defaultTimeoutMs(clients: number, messages: number, intervalMs: number): number {
  const work = DEFAULT_TIMEOUT_CLIENT_MS * clients + DEFAULT_TIMEOUT_EACH_MS * clients * messages
  const ms = DEFAULT_TIMEOUT_MS + work + intervalMs * (messages - 1)
  return Math.min(ms, LONGEST_TIMER_MS)
}

/** See {@link MOST_MESSAGES}. */
export function tooMany(clients: number, messages: number): boolean {
  return clients * messages > MOST_MESSAGES
}

/** Checks them all, and fills in what is not given. */
export function planOf(options: ScenarioOptions): Plan {
  checkOptions(options, RULES)
  const { clients = DEFAULT_CLIENTS, messages = DEFAULT_MESSAGES, intervalMs = 0, in: where = 'inline' } = options
  if (options.workers !== undefined && where === 'inline')
    throw wrongValue('workers', "given with in: 'thread' or 'process'", options.workers)
  if (tooMany(clients, messages))
    throw outOfRange('clients × messages', `${MOST_MESSAGES} at most: the time of each round trip is kept`, clients * messages)
  return {
    clients,
    messages,
    intervalMs,
    in: where,
    workers: where === 'inline' ? 0 : workersFor(clients, options.workers),
    message: options.message ?? defaultMessage,
    timeoutMs: options.timeoutMs ?? defaultTimeoutMs(clients, messages, intervalMs),
    ...(options.signal && { signal: options.signal }),
    ...(options.onProgress && { onProgress: options.onProgress }),
  }
}
