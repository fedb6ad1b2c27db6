import { expect, test, vi } from 'vitest'

test('where async_hooks tells nothing the check refuses, before anything runs, each time', async () => {
  // What Bun and Deno have: hooks that are never called.
  vi.doMock('node:async_hooks', async (original) => ({
    ...(await original<object>()),
    createHook: () => ({ enable() {}, disable() {} }),
  }))
  vi.resetModules()
  const { findLeaks } = await import('../../src/leaks/find.ts')
  const { watchLeaks } = await import('../../src/leaks/watch.ts')
  const fn = vi.fn<() => void>()
  const refused = { code: 'ERR_NETGRACE_UNSUPPORTED', message: expect.stringContaining('async_hooks of Node') as string }
  await expect(findLeaks(fn)).rejects.toMatchObject(refused)
  await expect(findLeaks(fn)).rejects.toMatchObject(refused)
  expect(() => watchLeaks()).toThrow(expect.objectContaining(refused))
  expect(fn).not.toHaveBeenCalled()
})
