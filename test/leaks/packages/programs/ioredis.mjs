// needs: redis
import { once } from 'node:events'
import { Redis } from 'ioredis'

export async function quit({ redis }) {
  const client = new Redis(redis, '127.0.0.1')
  await client.set('key', 'value')
  await client.get('key')
  await client.quit()
}

export async function disconnect({ redis }) {
  const client = new Redis(redis, '127.0.0.1', { commandTimeout: 60_000 })
  await client.get('key')
  client.disconnect()
}

export async function subscriberThatQuits({ redis }) {
  const subscriber = new Redis(redis, '127.0.0.1')
  const publisher = subscriber.duplicate()
  await subscriber.subscribe('news')
  const heard = once(subscriber, 'message')
  await publisher.publish('news', 'something')
  await heard
  await Promise.all([subscriber.quit(), publisher.quit()])
}

// It starts the timer that would destroy the socket in 2 s; the socket that would clear it has closed before.
export async function disconnectWhileItWaitsToReconnect({ refusing }) {
  const client = new Redis(refusing, '127.0.0.1', { retryStrategy: () => 60_000 })
  client.on('error', () => {})
  await new Promise((resolve) => void client.once('reconnecting', resolve))
  client.disconnect() //! timer
}

export async function connectionThatStays({ redis }) {
  const client = new Redis(redis, '127.0.0.1') //! tcp-socket:ioredis
  await client.get('key')
}

export async function duplicateThatIsForgotten({ redis }) {
  const client = new Redis(redis, '127.0.0.1')
  const subscriber = client.duplicate() //! tcp-socket:ioredis
  await subscriber.subscribe('news')
  await client.quit()
}

export async function reconnectsForEver({ refusing }) {
  const client = new Redis(refusing, '127.0.0.1', { retryStrategy: () => 60_000 }) //! timer:ioredis
  client.on('error', () => {})
  await new Promise((resolve) => void client.once('reconnecting', resolve))
}
