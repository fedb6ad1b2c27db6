import { Agent } from 'node:http'
import superagent from 'superagent'

export async function request({ url }) {
  await superagent.get(url).query({ a: 1 })
}

export async function timesOut({ silent }) {
  await superagent
    .get(`http://127.0.0.1:${silent}`)
    .timeout({ response: 20, deadline: 60_000 })
    .catch(() => {})
}

export async function agentThatIsNotDestroyed({ url }) {
  await new Promise((resolve) => {
    superagent
      .get(url)
      .agent(new Agent({ keepAlive: true }))
      .end(resolve) //! tcp-socket
  })
}

export async function neverAnswered({ silent }) {
  superagent
    .get(`http://127.0.0.1:${silent}`)
    .timeout({ deadline: 60_000 })
    .end(() => {}) //! tcp-socket timer
}
