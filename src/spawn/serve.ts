import { parentPort } from 'node:worker_threads'

import { AbortController } from '../lifetime/realm.ts'
import { asError } from '../lifetime/throw-all.ts'
import type { WaitOptions } from '../model/client.ts'
import type { Down, Up } from './message.ts'
import { plainError } from './plain-error.ts'

/** What can be called from the other side: each takes what was sent for it, so the methods know their arguments better than this does. */
export type Methods = Readonly<Record<string, Method['of']>>

interface Method {
  of(args: readonly unknown[], wait: WaitOptions): unknown
}

/** The side that is called: in a thread its port, in a process its channel. */
export interface Service {
  tell(event: string, value: unknown): void
  /** Says no more, and lets the thread or the process end by itself. */
  close(): Promise<void>
}

export function serve(methods: Methods): Service {
  const port = parentPort
  let lastSent: Promise<void> = Promise.resolve()
  const post = (message: Up): void => {
    if (port) port.postMessage(message)
    else if (process.connected) lastSent = new Promise((resolve) => void process.send!(message, () => resolve()))
  }
  const underWay = new Map<number, AbortController>()

  const answer = async ({ call, method, args, withinMs }: Extract<Down, { call: number }>): Promise<void> => {
    const giveUp = new AbortController()
    underWay.set(call, giveUp)
    try {
      const value = await methods[method]!(args, { signal: giveUp.signal, ...(withinMs !== undefined && { withinMs }) })
      if (call > 0) post({ answer: call, value })
    } catch (thrown) {
      if (call > 0 && thrown !== UNANSWERED) post({ answer: call, error: plainError(asError(thrown)) })
    } finally {
      underWay.delete(call)
    }
  }
  const hear = (message: Down): void => {
    if ('giveUp' in message) underWay.get(message.giveUp)?.abort()
    else void answer(message)
  }
  const orphaned = (): void => process.exit() // whoever started us is gone, and nobody else would end us
  if (port) port.on('message', hear)
  else process.on('message', hear).on('disconnect', orphaned)

  return {
    tell: (event, value) => post({ event, value }),
    close: async () => {
      await lastSent
      if (port) port.close()
      else if (process.connected) process.off('disconnect', orphaned).disconnect()
    },
  }
}

/** Thrown by a method whose answer the other side knows already, or will be told as an event. */
export const UNANSWERED: unique symbol = Symbol('unanswered')
