import { once } from 'node:events'
import http from 'node:http'
import express from 'express'

const app = () => express().get('/', (_, response) => response.send('Hello World!'))
const get = (url, agent) =>
  new Promise((resolve, reject) => http.get(url, { agent }, (response) => response.resume().on('end', resolve)).on('error', reject))

export async function closed() {
  const server = app().listen(0, '127.0.0.1')
  await once(server, 'listening')
  await get(`http://127.0.0.1:${server.address().port}`)
  server.close()
  await once(server, 'close')
}

export async function listensForEver() {
  const server = app().listen(0, '127.0.0.1') //! tcp-listener
  await once(server, 'listening')
}

export async function requestThatIsNotAnswered() {
  const server = express()
    .get('/', () => {})
    .listen(0, '127.0.0.1') //! tcp-socket
  await once(server, 'listening')
  const asked = once(server, 'request')
  http.get(`http://127.0.0.1:${server.address().port}`).on('error', () => {}) //! tcp-socket
  await asked
  server.close()
}
