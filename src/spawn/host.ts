import { fork, type ChildProcess } from 'node:child_process'
import { Worker } from 'node:worker_threads'

import { asError } from '../lifetime/throw-all.ts'
import { waitFor } from '../lifetime/wait.ts'
import type { Down, Up } from './message.ts'

/** Where something of ours runs beside us. */
export type Where = 'thread' | 'process'

/** How a thread or a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A thread or a process of ours, whichever it is. */
export interface Host {
  readonly pid: number | undefined
  post(message: Down): void
  onMessage(hear: (message: Up) => void): void
  /** Resolves once it has ended, and all its pipes and ports with it. Never rejects. */
  readonly exited: Promise<Exit>
  /** What its entry threw, if that is why it ended. */
  readonly crash: () => Error | undefined
  kill(signal: NodeJS.Signals): void
}

/** One that cannot be started has ended at once: it throws nothing. */
export function startHost(where: Where, entry: string): Host {
  try {
    return where === 'thread' ? thread(entry) : child(entry)
  } catch (thrown) {
    return stillborn(asError(thrown))
  }
}

function stillborn(crash: Error): Host {
  return {
    pid: undefined,
    post: () => {},
    onMessage: () => {},
    exited: Promise.resolve({ code: null, signal: null }),
    crash: () => crash,
    kill: () => {},
  }
}

function thread(entry: string): Host {
  const worker = new Worker(entry, { execArgv: [] })
  let crash: Error | undefined
  let code = 0
  worker.on('error', (error) => {
    crash = asError(error)
  })
  worker.on('exit', (exitCode) => {
    code = exitCode
  })
  return {
    pid: undefined,
    post: (message) => worker.postMessage(message, []),
    onMessage: (hear) => void worker.on('message', hear),
    exited: waitFor(worker, ['exit']).happened.then(() => ({ code, signal: null })),
    crash: () => crash,
    kill: () => void worker.terminate(),
  }
}

function child(entry: string): Host {
  const spawned = fork(entry, { execArgv: [], serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  let crash: Error | undefined
  spawned.on('error', (error) => {
    crash = error
  })
  return {
    pid: spawned.pid,
    post: (message) => post(spawned, message),
    onMessage: (hear) => void spawned.on('message', hear),
    exited: childGone(spawned),
    crash: () => crash,
    kill: (signal) => void spawned.kill(signal),
  }
}

/** To a child that is gone, nothing can be said; its exit tells the rest. */
function post(spawned: ChildProcess, message: Down): void {
  if (spawned.connected) spawned.send(message, () => {})
}

/** Its exit may be known before the last of what it said has come: that ends with the channel. */
async function childGone(spawned: ChildProcess): Promise<Exit> {
  if (spawned.pid === undefined) {
    await waitFor(spawned, ['error']).happened
    if (spawned.connected) await waitFor(spawned, ['disconnect']).happened // the channel is there, and ends by itself
  } else await Promise.all(['close', 'disconnect'].map((event) => waitFor(spawned, [event]).happened))
  return { code: spawned.exitCode, signal: spawned.signalCode }
}
