import { Worker } from 'node:worker_threads'

import { openClient } from '../client/connect.ts'
import { waitFor } from '../lifetime/wait.ts'
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

/** An endpoint that never answers a connect, until it is released. */
export interface Unanswering {
  readonly endpoint: { readonly host: string; readonly port: number }
  release(): Promise<void>
}

/**
 * Opens an endpoint whose backlog is full and stays so: the kernel drops what knocks, and a connect goes unanswered.
 * Its caller releases it. On Linux; other systems may refuse instead.
 */
export async function openUnanswering(): Promise<Unanswering> {
  const stay = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(LISTENER, { eval: true, workerData: stay })
  const exited = waitFor(worker, ['exit']).happened
  let port = 0
  worker.once('message', (message: number) => {
    port = message
  })
  await waitFor(worker, ['message'], { rejectionEvents: ['error', 'exit'] }).happened
  const endpoint = { host: '127.0.0.1', port }
  const fillers = await Promise.all(Array.from({ length: FILL }, () => openClient(endpoint, {}, new Timeline())))
  return {
    endpoint,
    release: async () => {
      const gone = Promise.all(fillers.map((filler) => filler.reset()))
      Atomics.store(stay, 0, 1)
      Atomics.notify(stay, 0)
      await Promise.all([gone, exited])
    },
  }
}
