import http from 'node:http'
import { HttpAgent } from 'agentkeepalive'

const get = (url, agent) =>
  new Promise((resolve, reject) => http.get(url, { agent }, (response) => response.resume().on('end', resolve)).on('error', reject))

export async function destroyed({ url }) {
  const agent = new HttpAgent({ freeSocketTimeout: 30_000 })
  await get(url, agent)
  await get(url, agent)
  agent.destroy()
}

export async function keptAlive({ url }) {
  const agent = new HttpAgent({ freeSocketTimeout: 30_000 })
  await new Promise((resolve, reject) => {
    http.get(url, { agent }, (response) => response.resume().on('end', resolve)).on('error', reject) //! tcp-socket
  })
}
