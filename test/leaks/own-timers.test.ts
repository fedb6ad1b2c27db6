import { fileURLToPath } from 'node:url'

import { expect, test } from 'vitest'

import { findLeaks } from '../../src/leaks/find.ts'
import { reportOwnTimers } from '../../src/leaks/noise.ts'
import { sleep } from '../../src/lifetime/sleep.ts'

test("netgrace's own timers are reported once its own suite asks for it, at the line that called netgrace", async () => {
  const abort = new AbortController()
  const open = (): void => void sleep(60_000, abort.signal).catch(() => {})
  expect(await findLeaks(open, { withinMs: 0 })).toEqual([])
  reportOwnTimers()
  expect(await findLeaks(open, { withinMs: 0 })).toMatchObject([
    { kind: 'timer', detail: 'setTimeout 60000 ms', site: { file: fileURLToPath(import.meta.url) } },
  ])
  abort.abort()
})
