import type { ClientReport } from './report.ts'

/** Who runs the clients of a scenario: this event loop, or threads and processes. */
export interface Crew {
  /** Runs them all. Never rejects; nothing of it is left open once it resolves. */
  run(): Promise<void>
  /** No client sends another message; replies on their way are still read. */
  quit(reason: Error): void
  /** Cuts every client that is not done. */
  force(): void
}

/** Whom a crew reports to. */
export interface Foreman {
  /** All clients begin now. */
  begun(): void
  /** Called once for each client, in any order. */
  done(client: ClientReport, roundTripsMs: readonly number[]): void
}
