/** How far a scenario has come. A snapshot: the next one is another object. */
export interface ScenarioProgress {
  /** How many clients there are. */
  readonly clients: number
  /** How many of them have had a connection. */
  readonly connected: number
  /** How many are finished, one way or the other. */
  readonly done: number
  /** How many of those that are finished have failed. */
  readonly failed: number
  /** How many messages there are to send, of all clients. */
  readonly messages: number
  readonly sent: number
  readonly echoed: number
  readonly mismatched: number
  readonly elapsedMs: number
}
