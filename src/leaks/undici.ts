import { types } from 'node:util'

import { isBehind } from './handle.ts'

/** Where the package undici keeps its global dispatcher, by the version of its interface. */
const GLOBAL_DISPATCHERS = ['undici.globalDispatcher.1', 'undici.globalDispatcher.2'].map((name) => Symbol.for(name))

/** An agent has pools, a pool has clients. */
const DEEPEST = 3

/** Whether the socket is one of undici's global dispatcher, with which every module of the process makes its requests. */
export function isOfTheGlobalDispatcher(handle: object): boolean {
  return GLOBAL_DISPATCHERS.some((name) =>
    socketsOf((globalThis as Record<symbol, unknown>)[name]).some((socket) => isBehind(socket, handle)),
  )
}

/** undici tells of its sockets to nobody; from 5 to 8 it keeps them under symbols of these names. What is missing is none of its own. */
function socketsOf(dispatcher: unknown, depth = 0): readonly object[] {
  if (!isObject(dispatcher)) return []
  const socket = member(dispatcher, 'socket')
  if (isObject(socket)) return [socket]
  const clients = member(dispatcher, 'clients')
  if (depth === DEEPEST || !(Array.isArray(clients) || types.isMap(clients))) return []
  return [...clients.values()].flatMap((client: unknown) => socketsOf(dispatcherIn(client), depth + 1))
}

/** 5 has it behind a WeakRef, 7 beside a count. */
function dispatcherIn(client: unknown): unknown {
  if (!isObject(client)) return client
  if ('deref' in client) return (client as WeakRef<object>).deref()
  return 'dispatcher' in client ? client.dispatcher : client
}

function member(of: object, description: string): unknown {
  const symbol = Object.getOwnPropertySymbols(of).find((one) => one.description === description)
  return symbol && (of as Record<symbol, unknown>)[symbol]
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
