import { sharedRigs, type SharedRig } from '../leaks/suite/shared-rigs.ts'
import { tellStory } from '../timeline/story.ts'
import type { Rig } from './rig.ts'

/** What is used of Jest's globals, or of `@jest/globals`. */
export interface JestHooks {
  readonly afterAll: (hook: () => Promise<void>) => void
}

/** Closed behind the last test of the file, or of the `describe` in which it was called; `netgrace/jest` tells its story meanwhile. */
export function shareWithJest(rig: Rig, { afterAll }: JestHooks): Rig {
  const { timeline } = rig
  const rigs = sharedRigs(globalThis)
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
