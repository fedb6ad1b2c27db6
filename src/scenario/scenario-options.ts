import { callback, checkOptions, duration, integer, interval, oneOf, signal, type Rules } from '../model/options.ts'
import type { ScenarioProgress } from './progress.ts'

export const DEFAULT_CLIENTS = 10
/** Messages of each client. */
export const DEFAULT_MESSAGES = 10
/** What the whole may take, beside the pauses that were asked for. Milliseconds. */
export const DEFAULT_TIMEOUT_MS = 30_000

export interface ScenarioOptions {
  /** How many clients. Default {@link DEFAULT_CLIENTS}. */
  readonly clients?: number
  /** How many messages each of them sends. Default {@link DEFAULT_MESSAGES}. */
  readonly messages?: number
  /** The pause between a reply and the next message. Default 0; the original of 2013 slept 100. */
  readonly intervalMs?: number
  /** Where the clients run: in this event loop. */
  readonly in?: 'inline'
  /** The text of a message, without a newline; both count from 1. Default `client #3, count 7`. */
  readonly message?: (client: number, count: number) => string
  /** Bounds the whole: whoever is not done is cut, and its row says what it was doing. Default {@link DEFAULT_TIMEOUT_MS} and the pauses. */
  readonly timeoutMs?: number
  /** Aborting it: no new message, replies on their way are still read, each client closes, for at most a second. */
  readonly signal?: AbortSignal
  /** Called at most once a turn of the event loop, and a last time before the report; never after it. What it throws fails the report. */
  readonly onProgress?: (progress: ScenarioProgress) => void
}

/** The options with their defaults. */
export interface Plan extends Required<Omit<ScenarioOptions, 'signal' | 'onProgress'>>, Pick<ScenarioOptions, 'signal' | 'onProgress'> {}

const RULES: Rules<ScenarioOptions> = {
  clients: integer(1),
  messages: integer(1),
  intervalMs: duration,
  in: oneOf('inline'),
  message: callback,
  timeoutMs: interval,
  signal,
  onProgress: callback,
}

const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Checks them all, and fills in what is not given. */
export function planOf(options: ScenarioOptions): Plan {
  checkOptions(options, RULES)
  const { clients = DEFAULT_CLIENTS, messages = DEFAULT_MESSAGES, intervalMs = 0 } = options
  return {
    clients,
    messages,
    intervalMs,
    in: options.in ?? 'inline',
    message: options.message ?? ((client, count) => `client #${client}, count ${count}`),
    timeoutMs: options.timeoutMs ?? Math.min(DEFAULT_TIMEOUT_MS + intervalMs * (messages - 1), LONGEST_TIMER_MS),
    ...(options.signal && { signal: options.signal }),
    ...(options.onProgress && { onProgress: options.onProgress }),
  }
}
