import StatsD from 'hot-shots'

export async function closed() {
  const client = new StatsD({ host: '127.0.0.1', port: 8125, errorHandler: () => {} })
  await new Promise((resolve) => client.increment('counter', resolve))
  await new Promise((resolve) => client.close(resolve))
}

export async function notClosed() {
  const client = new StatsD({ host: '127.0.0.1', port: 8125, errorHandler: () => {} }) //! udp-socket
  await new Promise((resolve) => client.increment('counter', resolve))
}
