import type { Endpoint } from '../model/endpoint.ts'

/** What each client of a scenario has to do, wherever it runs. */
export interface Task {
  readonly to: Endpoint
  readonly messages: number
  readonly intervalMs: number
  readonly timeoutMs: number
  /** How long the server may take to answer a connect, and a goodbye: the longer the more clients it has. */
  readonly connectTimeoutMs: number
  readonly closeTimeoutMs: number
  /** How many of its clients may dial before the first of them is served. */
  readonly atOnce: number
  /** One message as it goes out. Throws what is wrong with it. */
  readonly bytes: (client: number, count: number) => Buffer
}
