import { once } from 'node:events'

import { Client, Pool, type PoolConfig } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect } from 'vitest'
import { faults, type FaultProxy, type Rig } from 'netgrace'
import { test } from 'netgrace/vitest'

import type { RealServer } from './child.ts'
import { hasPostgres, startPostgres } from './postgres-server.ts'

/** One connection at a time, so that it is the one that fails. */
function poolBehind(proxy: FaultProxy, rig: Rig, options: PoolConfig = {}): Pool {
  const pool = rig.adopt(new Pool({ connectionString: proxy.url, max: 1, ...options }), (one) => one.end())
  // A client in use tells its failure twice: to the query, and by an event, which would end the process if nobody listened.
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

/** Places an order; whoever does not know whether he has may do it again. */
async function place(pool: Pool, id: number): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    await client.query('INSERT INTO orders (id) VALUES ($1) ON CONFLICT DO NOTHING', [id])
    await client.query('COMMIT')
    client.release()
  } catch (error) {
    client.release(true) // who knows what it is in the middle of
    throw error
  }
}

describe.skipIf(!hasPostgres)('a pool of Postgres clients (where there is a postgres)', () => {
  let server: RealServer
  let direct: Client
  beforeAll(async () => {
    server = await startPostgres()
    direct = new Client(server.url)
    await direct.connect()
    await direct.query('CREATE TABLE orders (id int PRIMARY KEY)')
  }, 60_000)
  beforeEach(async () => void (await direct.query('TRUNCATE orders')))
  afterAll(async () => {
    await direct?.end()
    await server?.stop()
  })

  const orders = async (): Promise<number[]> => {
    const { rows } = await direct.query<{ id: number }>('SELECT id FROM orders')
    return rows.map(({ id }) => id)
  }

  test('loses its connection in the middle of a query: that fails, and the next one gets another connection', async ({ rig }) => {
    const proxy = await rig.proxy(server.url)
    const pool = poolBehind(proxy, rig)
    const query = pool.query('SELECT pg_sleep(60)')
    const link = await proxy.saw('pg_sleep')
    proxy.inject(faults.reset(), { links: (one) => one === link })
    await expect(query).rejects.toMatchObject({ code: 'ECONNRESET' })
    await expect(pool.query('SELECT 1 AS one')).resolves.toMatchObject({ rows: [{ one: 1 }] })
    expect(proxy.history.map((one) => one.faults.length)).toStrictEqual([1, 0])
  })

  test('loses a connection that nobody uses: the pool says so, and forgets it', async ({ rig }) => {
    const proxy = await rig.proxy(server.url)
    const pool = poolBehind(proxy, rig)
    await pool.query('SELECT 1')
    const failed = once(pool, 'error') // without a listener it would end the process
    proxy.inject(faults.reset(), { links: 'open' })
    expect(await failed).toMatchObject([{ code: 'ECONNRESET' }, expect.anything()])
    expect(pool.totalCount).toBe(0)
    await expect(pool.query('SELECT 1 AS one')).resolves.toMatchObject({ rows: [{ one: 1 }] })
  })

  test('committed, but the answer was lost: the row is there, the caller has an error, and placing it again is once', async ({ rig }) => {
    const proxy = await rig.proxy(server.url)
    const pool = poolBehind(proxy, rig, { query_timeout: 1000 })
    proxy.inject(faults.blackhole(), { direction: 'downstream', times: 1, after: { match: 'COMMIT' } })
    await expect(place(pool, 7)).rejects.toThrow('timeout')
    expect(await orders()).toStrictEqual([7])
    await place(pool, 7)
    expect(await orders()).toStrictEqual([7])
    expect(proxy.history).toHaveLength(2)
  })

  test('rolled back, because COMMIT never arrived: the row is not there, and placing it again is once', async ({ rig }) => {
    const proxy = await rig.proxy(server.url)
    const pool = poolBehind(proxy, rig)
    proxy.inject(faults.reset(), { times: 1, after: { match: 'INSERT' } })
    await expect(place(pool, 7)).rejects.toThrow()
    expect(await orders()).toStrictEqual([])
    await place(pool, 7)
    expect(await orders()).toStrictEqual([7])
  })
})
