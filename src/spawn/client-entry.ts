// Runs in a thread or a process of its own, as dist/spawn/client-entry.js: one client, called from the other side.
import { AbortController } from '../lifetime/realm.ts'
import type { NetClient } from '../client/client.ts'
import { openClient } from '../client/connect.ts'
import type { ConnectOptions } from '../client/connect-options.ts'
import { nextTurn, turn } from '../lifetime/timers.ts'
import type { Data } from '../model/client.ts'
import type { Endpoint } from '../model/endpoint.ts'
import { Timeline } from '../timeline/timeline.ts'
import { plainEnding } from './plain-error.ts'
import { serve, UNANSWERED } from './serve.ts'

let client: NetClient
let over = false
const aborting = new AbortController()
const drips = new Map<number, Disposable>()

/** Once it has ended, the other side has what was left to read, and answers for itself. */
function live(): NetClient {
  if (over) throw UNANSWERED
  return client
}

const service = serve({
  started: () => {},
  open: async ([to, options]: readonly [Endpoint, ConnectOptions]) => {
    try {
      client = await openClient(to, { ...options, signal: aborting.signal }, new Timeline())
    } catch (error) {
      nextTurn(() => void service.close()) // behind the answer
      throw error
    }
    void client.ended.then(sayGoodbye)
    return { local: client.local, peer: client.peer }
  },
  send: ([data]: readonly [Data], wait) => live().send(data, wait),
  ask: ([line]: readonly [string], wait) => live().ask(line, wait),
  readLine: (_, wait) => live().readLine(wait),
  read: ([bytes]: readonly [number], wait) => live().read(bytes, wait),
  readToEnd: (_, wait) => live().readToEnd(wait),
  next: () => live()[Symbol.asyncIterator]().next(),
  drip: ([id, data, everyMs]: readonly [number, Data, number]) => void drips.set(id, live().drip(data, { everyMs })),
  stopDrip: ([id]: readonly [number]) => drips.get(id)?.[Symbol.dispose](),
  pause: () => live().pause(),
  resume: () => live().resume(),
  halfClose: () => live().halfClose(),
  reset: () => void live().reset(),
  close: () => void live().close(),
  abort: ([message]: readonly [string]) => aborting.abort(new Error(message)),
})

async function sayGoodbye(): Promise<void> {
  await turn() // what was waited for is answered first
  over = true
  const rest = await client.readToEnd()
  service.tell('ended', { ending: plainEnding(client.ending!), rest })
  await service.close()
}
