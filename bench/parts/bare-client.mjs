// What a user would write: one client in a worker or a child of its own.
import { workerData } from 'node:worker_threads'

import { talk } from './bare-talk.mjs'

const { port, messages, id } = workerData ?? JSON.parse(process.argv[2])
await talk(port, messages, id)
if (process.channel) process.disconnect()
