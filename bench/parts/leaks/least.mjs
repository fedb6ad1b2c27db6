// The least that can tell whose a connection is, and which line opened it: a context, a hook that does nothing, a stack for each.
import { AsyncLocalStorage, createHook } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'

const DEPTH = 64
const KEPT = 128

const context = new AsyncLocalStorage()
const hook = createHook({ trackPromises: false, init() {} })
const stacks = Array.from({ length: KEPT })
let count = 0

export async function watchTheLeast(act) {
  hook.enable()
  subscribe('net.client.socket', note)
  try {
    await context.run({}, act)
  } finally {
    unsubscribe('net.client.socket', note)
    hook.disable()
    context.disable()
  }
}

function note() {
  const limit = Error.stackTraceLimit
  const stack = {}
  Error.stackTraceLimit = DEPTH
  Error.captureStackTrace(stack, note)
  Error.stackTraceLimit = limit
  stacks[count++ % KEPT] = stack
}
