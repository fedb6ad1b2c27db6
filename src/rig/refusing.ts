import getPort from 'get-port'

import type { Endpoint } from '../model/endpoint.ts'
import { HeldPort } from '../wire/held-port.ts'

const HOST = '127.0.0.1'

/** How often another port is tried when somebody took the free one first. */
const TRIES = 5

/** An endpoint that refuses, and is held so; its caller releases it. */
export async function holdRefusing(): Promise<{ endpoint: Endpoint; release(): Promise<void> }> {
  for (let tried = 1; ; tried++) {
    const endpoint = { host: HOST, port: await getPort({ host: HOST }) }
    const held = new HeldPort(HOST)
    try {
      await held.hold(endpoint)
      return { endpoint, release: () => held.release() }
    } catch (error) {
      await held.release()
      if (tried === TRIES) throw error
    }
  }
}
