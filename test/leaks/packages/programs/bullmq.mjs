// needs: redis
import { Queue, QueueEvents, Worker } from 'bullmq'

const to = (port) => ({ connection: { host: '127.0.0.1', port } })

export async function closed({ redis }) {
  const name = `closed-${process.pid}`
  const queue = new Queue(name, to(redis))
  const events = new QueueEvents(name, to(redis))
  const worker = new Worker(name, async ({ data }) => data.n * 2, to(redis))
  await events.waitUntilReady()
  const job = await queue.add('work', { n: 1 })
  await job.waitUntilFinished(events)
  await worker.close()
  await events.close()
  await queue.close()
}

export async function queueThatIsNotClosed({ redis }) {
  const queue = new Queue(`left-${process.pid}`, to(redis)) //! tcp-socket:ioredis
  await queue.add('work', { n: 1 })
}

export async function workerThatIsNotClosed({ redis }) {
  const worker = new Worker(`worker-${process.pid}`, async () => {}, to(redis)) //! tcp-socket:ioredis tcp-socket:ioredis timer:bullmq timer:bullmq timer:bullmq
  await worker.waitUntilReady()
}
