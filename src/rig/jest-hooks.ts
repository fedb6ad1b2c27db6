import { tellStory } from '../timeline/story.ts'
import type { Rig } from './rig.ts'

/** What is used of Jest's globals, or of `@jest/globals`. */
export interface JestHooks {
  afterAll(hook: () => Promise<void>): void
}

/** Where the environment of `netgrace/jest`, which lives outside of the context of the tests, finds their rigs. */
export const JEST_RIGS: symbol = Symbol.for('netgrace.rigs')

/** A rig as that environment sees it. */
export interface SharedRig {
  /** What happened since then, if anything did. */
  storySince(ms: number): string | undefined
}

/** Closed behind the last test of the file, or of the `describe` in which it was called. */
export function shareWithJest(rig: Rig, { afterAll }: JestHooks): Rig {
  const { timeline } = rig
  const rigs = ((globalThis as { [JEST_RIGS]?: Set<SharedRig> })[JEST_RIGS] ??= new Set())
  const shared: SharedRig = {
    storySince: (ms) => {
      if (!timeline.hasMoved(ms)) return undefined
      timeline.recordWaits(ms)
      return tellStory(timeline, { sinceMs: ms })
    },
  }
  rigs.add(shared)
  afterAll(async () => {
    rigs.delete(shared)
    await rig.close()
  })
  return rig
}
