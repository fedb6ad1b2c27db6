// needs: nats
import { connect, StringCodec } from 'nats'

const codec = StringCodec()

export async function drained({ nats }) {
  const connection = await connect({ servers: `127.0.0.1:${nats}` })
  const subscription = connection.subscribe('hello', { max: 1 })
  connection.publish('hello', codec.encode('world'))
  for await (const message of subscription) codec.decode(message.data)
  await connection.drain()
}

export async function requestThatTimesOut({ nats }) {
  const connection = await connect({ servers: `127.0.0.1:${nats}` })
  await connection.request('nobody', codec.encode(''), { timeout: 20 }).catch(() => {})
  await connection.close()
}

export async function connectionThatStays({ nats }) {
  const connection = await connect({ servers: `127.0.0.1:${nats}` }) //! tcp-socket:nats timer:nats
  await connection.flush()
}
