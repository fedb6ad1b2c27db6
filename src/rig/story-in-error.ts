import { addToError } from '../leaks/suite/add-to-error.ts'
import { tellStory } from '../timeline/story.ts'
import type { Timeline } from '../timeline/timeline.ts'

/** Errors that have the story of a timeline already. */
const told = new WeakMap<Timeline, WeakSet<object>>()

/**
 * Appends the story to the error that a test failed with, once: a matcher may have told it already.
 *
 * @param sinceMs  Where the test began, if the timeline serves several.
 */
export function addStory(error: { message: string; stack?: string }, timeline: Timeline, sinceMs?: number): void {
  const errors = told.get(timeline) ?? new WeakSet()
  if (errors.has(error)) return
  told.set(timeline, errors.add(error))
  if (timeline.told !== undefined && error.message.includes(timeline.told)) return
  addToError(error, tellStory(timeline, { error: error.message, ...(sinceMs !== undefined && { sinceMs }) }))
}
