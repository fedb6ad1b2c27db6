import fastify from 'fastify'

const app = (options) => fastify(options).get('/', async () => ({ hello: 'world' }))

export async function injected() {
  const server = app()
  await server.inject('/')
  await server.close()
}

export async function injectedAndNotClosed() {
  await app().inject('/')
}

export async function closedAfterAFetch() {
  const server = app()
  const address = await server.listen({ port: 0, host: '127.0.0.1' })
  await (await fetch(address)).json()
  await server.close()
}

export async function closedOnBothLoopbacks() {
  const server = app()
  await server.listen({ port: 0, host: 'localhost' })
  await server.close()
}

export async function listensForEver() {
  const server = app()
  await server.listen({ port: 0, host: '127.0.0.1' }) //! tcp-listener
}

export async function hookThatStartsATimer() {
  const server = app()
  server.addHook('onReady', async () => {
    setInterval(() => {}, 60_000) //! timer
  })
  await server.inject('/')
  await server.close()
}

export async function streamThatIsHeldOpen({ kept }) {
  const server = fastify({ forceCloseConnections: false }).get('/', (_, reply) => void reply.hijack().raw.write('more'))
  const address = await server.listen({ port: 0, host: '127.0.0.1' }) //! tcp-socket
  kept.push(await fetch(address)) //! tcp-socket
  void server.close()
}
