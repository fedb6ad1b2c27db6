/** What the tests of supervised servers stand opposite them: clients of node:http, node:https, node:http2 and bare sockets, gone when the test has ended. */
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import type net from 'node:net'

import { onTestFinished } from 'vitest'

import type { SuperviseOptions } from '../../src/server/supervise/supervise-options.ts'
import { superviseServer } from '../../src/server/supervise/supervise-server.ts'
import type { ConnectionUse } from '../../src/server/supervise/supervised-connection.ts'
import type { SupervisedServer } from '../../src/server/supervise/supervised-server.ts'
import { certificate } from '../certificate.ts'
import { bareClient, until } from '../support.ts'

export async function supervise(server: net.Server, options?: SuperviseOptions): Promise<SupervisedServer> {
  const supervised = await superviseServer(server, options)
  onTestFinished(async () => void (await supervised.stop({ graceMs: 0 })))
  return supervised
}

/** Answers every request when it is told to, and `/now` at once. */
export class Answers {
  readonly waiting: http.ServerResponse[] = []
  readonly served: string[] = []
  readonly listener = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    this.served.push(`${request.method} ${request.url}`)
    request.resume()
    if (request.url === '/now') response.end('now')
    else this.waiting.push(response)
  }

  /** Resolves once `count` requests wait. */
  async asked(count = 1): Promise<void> {
    await until(() => this.waiting.length >= count)
  }

  give(text = 'given'): void {
    for (const response of this.waiting.splice(0)) response.end(text)
  }
}

export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
  /** The socket that it came over. */
  readonly socket: net.Socket
}

/** One keep-alive client: its requests go over one connection for as long as that lives. */
export function keepAliveClient(): http.Agent {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  return agent
}

export function get(url: string, agent?: http.Agent, options: http.RequestOptions = {}): Promise<Answer> {
  const secure = url.startsWith('https:')
  const tls = secure ? { ca: certificate().cert } : {}
  return new Promise((resolve, reject) => {
    const request = (secure ? https : http).request(url, { agent: agent ?? false, ...tls, ...options }, (response) => {
      const { socket } = response
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text, socket }))
    })
    request.on('error', reject)
    request.end()
  })
}

export const GET_NOW = 'GET /now HTTP/1.1\r\nhost: test\r\n\r\n'

/** A bare connection that has had an answer, and is kept alive. */
export async function idleClient(to: SupervisedServer): Promise<net.Socket> {
  const socket = await bareClient(to)
  socket.write(GET_NOW)
  await once(socket, 'data')
  socket.resume()
  await until(() => usesOf(to).includes('idle'))
  return socket
}

export function usesOf(server: SupervisedServer): ConnectionUse[] {
  return [...server.connections].map(({ use }) => use)
}

/** Resolves once `count` connections are used so. */
export async function used(server: SupervisedServer, use: ConnectionUse, count = 1): Promise<void> {
  await until(() => usesOf(server).filter((one) => one === use).length >= count)
}

/** Each event's listeners, to see that they are as they were. */
export function listenersOf(server: net.Server): Record<string, unknown[]> {
  return Object.fromEntries(server.eventNames().map((event) => [String(event), server.rawListeners(event)]))
}
