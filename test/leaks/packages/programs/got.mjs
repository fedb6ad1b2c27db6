import { Agent } from 'node:http'
import got from 'got'

export async function request({ url }) {
  await got(url).text()
}

export async function timesOut({ silent }) {
  await got(`http://127.0.0.1:${silent}`, { timeout: { request: 20 }, retry: { limit: 0 } })
    .text()
    .catch(() => {})
}

export async function agentThatIsDestroyed({ url }) {
  const agent = { http: new Agent({ keepAlive: true }) }
  await got(url, { agent, timeout: { request: 60_000 } }).text()
  agent.http.destroy()
}

export async function agentThatIsNotDestroyed({ url }) {
  const agent = { http: new Agent({ keepAlive: true }) }
  await got(url, { agent }).text() //! tcp-socket:got
}

export async function streamThatIsLeft({ silent }) {
  got.stream(`http://127.0.0.1:${silent}`).on('error', () => {}) //! tcp-socket:got
}
