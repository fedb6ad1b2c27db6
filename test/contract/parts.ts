/** Our parts, gone when the test has ended, whatever happened to it. */
import { onTestFinished } from 'vitest'

import {
  type Address,
  type Client,
  connect,
  type ConnectOptions,
  type GracefulServer,
  type Handler,
  type ServerOptions,
  startEchoServer,
  startServer,
  type StopReport,
} from '../../src/index.ts'
import { closed } from '../support.ts'

export async function serve(handler: Handler, options?: ServerOptions): Promise<GracefulServer> {
  return owned(await startServer(handler, options))
}

export async function echo(options?: ServerOptions): Promise<GracefulServer> {
  return owned(await startEchoServer(options))
}

export async function dial(to: Address, options?: ConnectOptions): Promise<Client> {
  const client = await connect(to, options)
  onTestFinished(() => {
    client.socket.destroy()
    return closed(client.socket)
  })
  return client
}

/** Answers each line with `re ` and the line. */
export const answering: Handler = async (connection) => {
  for (;;) {
    const line = await connection.readLine()
    if (line === undefined) return
    await connection.send(`re ${line}\n`)
  }
}

/** Never settles, whatever happens. */
export const neverSettling: Handler = () => new Promise(() => {})

/** The sum that every report comes to. */
export function counted(report: StopReport): number {
  return report.endedBefore + report.drained.length + report.forced.length
}

function owned(server: GracefulServer): GracefulServer {
  onTestFinished(async () => void (await server.stop({ graceMs: 0 })))
  return server
}
