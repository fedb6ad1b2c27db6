// needs: redis
import { createClient, createClientPool } from 'redis'

export async function close({ redis: port }) {
  const client = createClient({ url: `redis://127.0.0.1:${port}` }).on('error', () => {})
  await client.connect()
  await client.set('key', 'value')
  await client.get('key')
  await client.close()
}

export async function destroy({ redis: port }) {
  const client = createClient({ url: `redis://127.0.0.1:${port}`, pingInterval: 60_000 }).on('error', () => {})
  await client.connect()
  await client.ping()
  client.destroy()
}

export async function poolThatCloses({ redis: port }) {
  const pool = createClientPool({ url: `redis://127.0.0.1:${port}` }, { minimum: 2 }).on('error', () => {})
  await pool.connect()
  await Promise.all([pool.ping(), pool.ping(), pool.ping()])
  await pool.close()
}

export async function connectionThatStays({ redis: port }) {
  const client = createClient({ url: `redis://127.0.0.1:${port}` }).on('error', () => {})
  await client.connect() //! tcp-socket
  await client.ping()
}

export async function pingsThatGoOn({ redis: port }) {
  const client = createClient({ url: `redis://127.0.0.1:${port}`, pingInterval: 60_000 }).on('error', () => {})
  await client.connect() //! tcp-socket timer
}

export async function destroyWhileItWaitsToReconnect({ refusing }) {
  const client = createClient({ url: `redis://127.0.0.1:${refusing}`, socket: { reconnectStrategy: () => 200 } }).on('error', () => {})
  const reconnecting = new Promise((resolve) => void client.once('reconnecting', resolve))
  void client.connect().catch(() => {})
  await reconnecting
  client.destroy()
}

export async function reconnectsForEver({ refusing }) {
  const client = createClient({ url: `redis://127.0.0.1:${refusing}`, socket: { reconnectStrategy: () => 60_000 } }).on('error', () => {})
  const refused = new Promise((resolve) => void client.once('error', resolve))
  void client.connect().catch(() => {}) //! timer:@redis/client
  await refused
}
