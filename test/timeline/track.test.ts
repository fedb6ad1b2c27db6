import { expect, test } from 'vitest'

import { RING } from '../../src/timeline/track.ts'
import { Timeline } from '../../src/timeline/timeline.ts'
import { tellStory } from '../../src/timeline/story.ts'

test('of a long life the first entry and the latest are kept, and the record says how many are not', () => {
  const track = new Timeline().open('client', 1)
  for (let n = 1; n <= RING + 10; n++) track.record('note', `${n}`)
  const details = track.entries().map(({ detail }) => detail)
  expect(details.slice(0, 3)).toEqual(['1', '10 entries left out here', '12'])
  expect(details.at(-1)).toBe(`${RING + 10}`)
  expect(track.lost).toBe(10)
})

test('of a short life nothing is left out', () => {
  const track = new Timeline().open('client', 1)
  for (let n = 1; n <= RING; n++) track.record('note', `${n}`)
  expect(track.entries()).toHaveLength(RING)
})

test('a track that has closed keeps no more than words of what it is about', () => {
  const timeline = new Timeline()
  const track = timeline.open('client', 1)
  let words = 'as it was'
  track.record('opened', { toString: () => words, brief: () => words })
  timeline.close(track)
  words = 'as it is now'
  expect(track.entries()).toMatchObject([{ detail: 'as it was' }])
})

test('the story of a part of the time has that part, and the waits of what moved in it', async () => {
  const timeline = new Timeline()
  const [early, late] = [timeline.open('client', 1), timeline.open('client', 2)]
  early.record('opened', 'before')
  early.wait({ for: 'the end' })
  await new Promise((resolve) => setTimeout(resolve, 5))
  const sinceMs = performance.now()
  expect(timeline.hasMoved(sinceMs)).toBe(false)
  late.record('opened', 'after')
  late.wait({ for: 'a line' })
  expect(timeline.hasMoved(sinceMs)).toBe(true)
  timeline.recordWaits(sinceMs)
  const story = tellStory(timeline, { sinceMs })
  expect(story).toMatch(/client #2 +opened after\n.*client #2 +waits for a line$/)
  expect(story).not.toContain('client #1')
})

test('a story begins with what handlers threw, but for the error that the test failed with', () => {
  const timeline = new Timeline()
  for (let n = 1; n <= 5; n++) timeline.failed(`connection #${n}`, new Error(`error ${n}`))
  const story = tellStory(timeline, { error: 'error 1' })
  expect(story).toMatch(/^first, the handler of connection #2 threw\n {2}Error: error 2\n {6}at test\/timeline\/track\.test\.ts:\d+:\d+\n/)
  expect(story).toMatch(/and 1 more handlers threw\n\nnetgrace: what happened/)
  expect(story).not.toContain('error 1')
})
