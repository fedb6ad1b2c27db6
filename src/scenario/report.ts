import type { Ending, EndingKind } from '../model/ending.ts'

/** Round trips in milliseconds, each from the call that sends to the newline that ends the reply. All are `NaN` (`null` in JSON) if no reply came. */
export interface Latency {
  readonly min: number
  readonly mean: number
  /** By exact nearest rank: each percentile is a round trip that happened. */
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** What became of one client. */
export interface ClientReport {
  /** Counts from 1. */
  readonly id: number
  /** Messages that the kernel took. */
  readonly sent: number
  /** Replies that were what had been sent, byte for byte. */
  readonly echoed: number
  /** Replies that were something else. What was sent and neither, is lost. */
  readonly mismatched: number
  /** How its connection ended: `eof`, by `local`, where all went well. */
  readonly ending: Ending
  /** Milliseconds. */
  readonly latency: Latency
  /** Why it is no success: what stopped it, or else its first reply that differed. */
  readonly error: Error | undefined
}

/** What a scenario came to. `JSON.stringify` gives all of it, errors as `{ code, message }`. */
export interface ScenarioReport {
  /** Every message of every client came back as it was sent, and every connection ended with a goodbye. */
  readonly ok: boolean
  /** One line for people. */
  readonly summary: string
  /** @throws {ScenarioError} it is not `ok`; the message says it client by client. */
  assertOk(): void
  readonly clients: readonly ClientReport[]
  readonly sent: number
  readonly echoed: number
  readonly mismatched: number
  /** How many connections ended so; every kind is there. */
  readonly endings: Readonly<Record<EndingKind, number>>
  /** Over all replies of all clients. */
  readonly latencyMs: Latency
  /** Echoed messages over the whole duration, connecting and closing included. */
  readonly messagesPerSecond: number
  readonly durationMs: number
}
