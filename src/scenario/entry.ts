// Runs in a thread or a process of its own, as dist/scenario/entry.js: some clients of a scenario.
import { nextTurn } from '../lifetime/timers.ts'
import { realError, type PlainError } from '../spawn/plain-error.ts'
import { serve } from '../spawn/serve.ts'
import { Timeline } from '../timeline/timeline.ts'
import type { Order } from './order.ts'
import { Relay } from './relay.ts'
import { Share } from './share.ts'
import { bytesFrom } from './texts.ts'

let share: Share
let relay: Relay

const service = serve({
  prepare: ([order]: readonly [Order]) => {
    const { ids, texts, tellsProgress, ...task } = order
    const timeline = new Timeline()
    const bytes = (client: number, count: number): Buffer => bytesFrom(texts, ids.first, client, count)
    relay = new Relay(() => service, tellsProgress)
    share = new Share(ids, { ...task, bytes }, relay, {
      progress: relay,
      timeline,
      track: timeline.open('scenario'),
    })
  },
  go: async () => {
    await share.run()
    relay.flush()
    nextTurn(() => void service.close()) // behind the answer
  },
  quit: ([reason]: readonly [PlainError]) => share.quit(realError(reason)),
  force: () => share.force(),
})

// Ctrl-C in a terminal comes to all its processes, and `timeout` gives SIGTERM to a whole group: what is to be done about it,
// is for the process that started this one to say.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {})
