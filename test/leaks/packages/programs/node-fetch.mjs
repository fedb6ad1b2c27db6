import { Agent } from 'node:http'
import fetch from 'node-fetch'

export async function request({ url }) {
  await (await fetch(url)).text()
}

export async function aborted({ silent }) {
  await fetch(`http://127.0.0.1:${silent}`, { signal: AbortSignal.timeout(20) }).catch(() => {})
}

export async function agentThatIsDestroyed({ url }) {
  const agent = new Agent({ keepAlive: true })
  await (await fetch(url, { agent })).text()
  agent.destroy()
}

export async function agentThatIsNotDestroyed({ url }) {
  await (await fetch(url, { agent: new Agent({ keepAlive: true }) })).text() //! tcp-socket
}
