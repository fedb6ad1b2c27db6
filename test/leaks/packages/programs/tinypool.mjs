import { Tinypool } from 'tinypool'

const filename = new URL('../support/job.mjs', import.meta.url).href

export async function destroyed() {
  const pool = new Tinypool({ filename, minThreads: 2, maxThreads: 2 })
  await Promise.all([pool.run(1), pool.run(2), pool.run(3)])
  await pool.destroy()
}

export async function notDestroyed() {
  const pool = new Tinypool({ filename, minThreads: 2, maxThreads: 2, idleTimeout: 60_000 }) //! worker worker message-port message-port
  await Promise.all([pool.run(1), pool.run(2)])
}
