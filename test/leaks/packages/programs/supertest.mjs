import { once } from 'node:events'
import express from 'express'
import request from 'supertest'

const app = () => express().get('/', (_, response) => response.json({ name: 'john' }))

export async function ofAnApp() {
  await request(app()).get('/').expect(200)
}

export async function agentOfAnApp() {
  const agent = request.agent(app())
  await agent.get('/').expect(200)
  await agent.get('/').expect(200)
}

export async function ofAServerThatCloses() {
  const server = app().listen(0, '127.0.0.1')
  await once(server, 'listening')
  await request(server).get('/').expect(200)
  server.close()
}

export async function ofAServerThatStays() {
  const server = app().listen(0, '127.0.0.1') //! tcp-listener
  await once(server, 'listening')
  await request(server).get('/').expect(200)
}
