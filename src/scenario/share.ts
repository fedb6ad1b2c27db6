import { Deadline } from '../lifetime/deadline.ts'
import { inSlices } from '../lifetime/slices.ts'
import type { Timeline } from '../timeline/timeline.ts'
import type { Track } from '../timeline/track.ts'
import type { Crew, Foreman } from './crew.ts'
import { Gate } from './gate.ts'
import type { Counter } from './progress-teller.ts'
import { ScenarioClient } from './scenario-client.ts'
import type { Task } from './task.ts'

/** How long replies may still come, and connections end, once a scenario was told to stop. Milliseconds. */
export const QUIT_GRACE_MS = 1000

/** Some clients of a scenario, or all of them: those whose ids go from `first` to `last`. */
export interface Ids {
  readonly first: number
  readonly last: number
}

/** Where clients are counted and recorded. */
export interface Books {
  readonly progress: Counter
  readonly timeline: Timeline
  /** Of the scenario. */
  readonly track: Track
}

/**
 * The clients that run in this event loop. It has one deadline: `timeoutMs` from {@link run}, which {@link quit} brings
 * forward to {@link QUIT_GRACE_MS}, and {@link force} to now. Whoever is not done by then is cut.
 */
export class Share implements Crew {
  readonly #task: Task
  readonly #foreman: Foreman
  readonly #track: Track
  readonly #clients: readonly ScenarioClient[]
  /** What is being done to all clients: the run waits for it. */
  readonly #rounds: Promise<void>[] = []
  #deadline: Deadline | undefined
  #quitting = false
  #forced = false

  constructor({ first, last }: Ids, task: Task, foreman: Foreman, { progress, timeline, track }: Books) {
    this.#task = task
    this.#foreman = foreman
    this.#track = track
    this.#clients = Array.from({ length: last - first + 1 }, (_, n) => new ScenarioClient(first + n, task, progress, timeline))
  }

  async run(): Promise<void> {
    this.#deadline = new Deadline(this.#task.timeoutMs)
    this.#deadline.onPass(() => this.#cutAll())
    this.#bringForward()
    this.#foreman.begun()
    const gate = this.#clients.length > this.#task.atOnce ? new Gate(this.#task.atOnce) : undefined
    const running: Promise<void>[] = []
    await inSlices(this.#clients, (client) => running.push(this.#runOne(client, gate)))
    await Promise.all(running)
    this.#deadline.cancel()
    await Promise.all(this.#rounds)
  }

  quit(reason: Error): void {
    this.#quitting = true
    this.#bringForward()
    this.#rounds.push(inSlices(this.#clients, (client) => client.quit(reason)))
  }

  force(): void {
    this.#forced = true
    this.#bringForward()
  }

  async #runOne(client: ScenarioClient, gate: Gate | undefined): Promise<void> {
    const report = await client.run(gate)
    this.#foreman.done(report, client.roundTripsMs)
  }

  #bringForward(): void {
    if (this.#quitting) this.#deadline?.bringForward(QUIT_GRACE_MS)
    if (this.#forced) this.#deadline?.bringForward(0)
  }

  #cutAll(): void {
    this.#track.record('forced')
    this.#rounds.push(inSlices(this.#clients, (client) => client.cut(this.#task.timeoutMs)))
  }
}
