import replyFrom from '@fastify/reply-from'
import fastify from 'fastify'

export async function closedWithItsAgent({ url }) {
  const server = fastify()
  await server.register(replyFrom, { base: url, destroyAgent: true })
  server.get('/', (_, reply) => reply.from('/'))
  await server.inject('/')
  await server.close()
}

export async function closedAsItIsByDefault({ url }) {
  const server = fastify()
  await server.register(replyFrom, { base: url })
  server.get('/', (_, reply) => reply.from('/')) //! tcp-socket
  await server.inject('/')
  await server.close()
}
