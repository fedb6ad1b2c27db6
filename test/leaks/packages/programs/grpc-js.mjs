import grpc from '@grpc/grpc-js'

const text = { serialize: (value) => Buffer.from(value), deserialize: (bytes) => bytes.toString() }
const echo = {
  path: '/netgrace.Echo/echo',
  requestStream: false,
  responseStream: false,
  requestSerialize: text.serialize,
  requestDeserialize: text.deserialize,
  responseSerialize: text.serialize,
  responseDeserialize: text.deserialize,
}
const Client = grpc.makeGenericClientConstructor({ echo }, 'Echo')

function echoServer() {
  const server = new grpc.Server()
  server.addService({ echo }, { echo: (call, answer) => answer(null, call.request) })
  return server
}

const bind = (server) =>
  new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port))),
  )
const ask = (client) => new Promise((resolve, reject) => client.echo('hello', (error, answer) => (error ? reject(error) : resolve(answer))))

export async function closed() {
  const server = echoServer()
  const client = new Client(`127.0.0.1:${await bind(server)}`, grpc.credentials.createInsecure())
  await ask(client)
  client.close()
  await new Promise((resolve) => void server.tryShutdown(resolve))
}

export async function shutDownByForce() {
  const server = echoServer()
  const client = new Client(`127.0.0.1:${await bind(server)}`, grpc.credentials.createInsecure())
  await ask(client)
  client.close()
  server.forceShutdown()
}

export async function serverThatStays() {
  await bind(echoServer()) //! tcp-listener:@grpc/grpc-js
}

export async function clientAndServerThatStay() {
  const port = await bind(echoServer()) //! tcp-listener:@grpc/grpc-js tcp-socket:@grpc/grpc-js
  // Its connection, the timer after which the channel is idle, and the one that sweeps out what nobody uses.
  const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure()) //! tcp-socket:@grpc/grpc-js timer:@grpc/grpc-js timer:@grpc/grpc-js
  await new Promise((resolve) => void client.echo('hello', resolve)) //! timer
}
