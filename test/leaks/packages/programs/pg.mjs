// needs: postgres
import { Client, Pool } from 'pg'

const to = (port) => ({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })

export async function clientThatEnds({ postgres }) {
  const client = new Client(to(postgres))
  await client.connect()
  await client.query('SELECT $1::text AS message', ['hello'])
  await client.end()
}

export async function poolThatEnds({ postgres }) {
  const pool = new Pool({ ...to(postgres), max: 3, idleTimeoutMillis: 60_000 })
  await Promise.all([1, 2, 3, 4].map((n) => pool.query('SELECT $1::int', [n])))
  await pool.end()
}

export async function poolWhoseIdleClientsLeave({ postgres }) {
  const pool = new Pool({ ...to(postgres), idleTimeoutMillis: 20 })
  await pool.query('SELECT 1')
}

export async function refused({ refusing }) {
  await new Pool({ ...to(refusing), connectionTimeoutMillis: 60_000 }).query('SELECT 1').catch(() => {})
}

export async function queryThatTimesOut({ postgres }) {
  const client = new Client({ ...to(postgres), query_timeout: 20 })
  await client.connect()
  await client.query('SELECT pg_sleep(1)').catch(() => {})
  await client.end()
}

export async function clientThatStays({ postgres }) {
  const client = new Client(to(postgres))
  await client.connect() //! tcp-socket
  await client.query('SELECT 1')
}

export async function poolThatIsNotEnded({ postgres }) {
  const pool = new Pool({ ...to(postgres), idleTimeoutMillis: 60_000 })
  // Its socket, and the timer that would end it in a minute.
  await pool.query('SELECT 1') //! tcp-socket timer
}

export async function clientThatIsNotReleased({ postgres }) {
  const pool = new Pool(to(postgres))
  const client = await pool.connect() //! tcp-socket
  await client.query('SELECT 1')
  void pool.end()
}
