import { Worker } from 'node:worker_threads'

import type { NetClient } from '../client/client.ts'
import { openClient } from '../client/connect.ts'
import { Deadline } from '../lifetime/deadline.ts'
import { messageOf } from '../lifetime/throw-all.ts'
import { waitFor } from '../lifetime/wait.ts'
import { NetgraceError } from '../model/errors.ts'
import { Timeline } from '../timeline/timeline.ts'

/** Listens with the shortest backlog there is, says where, and then never runs again until it is told to end. */
const LISTENER = `
const { createServer } = process.getBuiltinModule('node:net')
const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads')
const server = createServer()
server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
  parentPort.postMessage(server.address().port)
  Atomics.wait(workerData, 0, 0)
  server.close()
  parentPort.close()
})
server.on('connection', (socket) => socket.on('error', () => {}).destroy())
`

/** So many connections fill a backlog of 1 on Linux. */
const FILL = 2

/** How long its thread may take to start and to listen. Milliseconds. */
const START_MS = 3500

/** An endpoint that never answers a connect, until it is released. */
export interface Unanswering {
  readonly endpoint: { readonly host: string; readonly port: number }
  release(): Promise<void>
}

/**
 * Opens an endpoint whose backlog is full and stays so: the kernel drops what knocks, and a connect goes unanswered.
 * Its caller releases it. On Linux; other systems may refuse instead.
 *
 * @throws {NetgraceError} `ERR_NETGRACE_SPAWN`: it cannot be opened; `cause` says why. Nothing is left of it.
 */
export async function openUnanswering(): Promise<Unanswering> {
  const opening = new Opening()
  try {
    return await opening.endpoint()
  } catch (cause) {
    await opening.release()
    throw new NetgraceError('ERR_NETGRACE_SPAWN', `could not open an endpoint that never answers: ${messageOf(cause)}`, { cause })
  }
}

class Opening {
  readonly #stay = new Int32Array(new SharedArrayBuffer(4))
  readonly #fillers: NetClient[] = []
  #worker: Worker | undefined
  #exited: Promise<void> | undefined

  async endpoint(): Promise<Unanswering> {
    const worker = new Worker(LISTENER, { eval: true, workerData: this.#stay })
    this.#worker = worker
    this.#exited = waitFor(worker, ['exit']).happened
    worker.on('error', () => {}) // its exit follows
    const endpoint = { host: '127.0.0.1', port: await portOf(worker) }
    for (let n = 0; n < FILL; n++) this.#fillers.push(await openClient(endpoint, {}, new Timeline()))
    return { endpoint, release: () => this.release() }
  }

  async release(): Promise<void> {
    const gone = Promise.all(this.#fillers.map((filler) => filler.reset()))
    Atomics.store(this.#stay, 0, 1)
    Atomics.notify(this.#stay, 0)
    if (this.#fillers.length < FILL) void this.#worker?.terminate() // it may not have come to listen
    await Promise.all([gone, this.#exited])
  }
}

/** Where the thread says that it listens. */
async function portOf(worker: Worker): Promise<number> {
  let port = 0
  worker.once('message', (message: number) => {
    port = message
  })
  const said = waitFor(worker, ['message'], { rejectionEvents: ['error', 'exit'] })
  const bound = new Deadline(START_MS)
  try {
    if (await bound.beats(said.happened)) return port
    throw new Error(`its thread had not started after ${START_MS} ms`)
  } finally {
    bound.cancel()
    said.cancel()
  }
}
