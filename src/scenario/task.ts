import type { Endpoint } from '../model/endpoint.ts'

/** What each client of a scenario has to do, wherever it runs. */
export interface Task {
  readonly to: Endpoint
  readonly messages: number
  readonly intervalMs: number
  readonly timeoutMs: number
  /** One message as it goes out. Throws what is wrong with it. */
  bytes(client: number, count: number): Buffer
}
