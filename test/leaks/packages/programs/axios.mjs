import { Agent } from 'node:http'
import axios from 'axios'

export async function request({ url }) {
  await axios.get(url)
}

export async function timesOut({ silent }) {
  await axios.get(`http://127.0.0.1:${silent}`, { timeout: 20 }).catch(() => {})
}

export async function cancelled({ silent }) {
  const abort = new AbortController()
  const asked = axios.get(`http://127.0.0.1:${silent}`, { signal: abort.signal }).catch(() => {})
  abort.abort()
  await asked
}

export async function instanceWhoseAgentIsDestroyed({ url }) {
  const httpAgent = new Agent({ keepAlive: true })
  const client = axios.create({ baseURL: url, httpAgent })
  await Promise.all([client.get('/1'), client.get('/2')])
  httpAgent.destroy()
}

export async function instanceWhoseAgentKeepsItsSockets({ url }) {
  const client = axios.create({ baseURL: url, httpAgent: new Agent({ keepAlive: true }) })
  await client.get('/') //! tcp-socket
}

export async function withoutATimeout({ silent }) {
  void axios.get(`http://127.0.0.1:${silent}`).catch(() => {}) //! tcp-socket
}
