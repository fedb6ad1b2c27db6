import { now } from '../timeline/clock.ts'
import type { Birth } from './birth.ts'
import type { Handle } from './handle.ts'
import { enter } from './registry.ts'

/** A request of `fs.promises` under way: it knows the user's line and the scope, and the file that comes of it knows neither. */
interface Request {
  readonly resource: { readonly promise?: Promise<unknown> }
  readonly asked: Pick<Birth, 'scope' | 'origin' | 'stack'>
  awaited: boolean
}

const requests = new Map<number, Request>()
let unclaimed = new WeakMap<object, { readonly id: number; readonly bornAtMs: number }>()

export function requestBegan(id: number, resource: Request['resource'], asked: Request['asked']): void {
  requests.set(id, { resource, asked, awaited: false })
}

export function requestEnded(id: number): boolean {
  return requests.delete(id)
}

/** One of the requests under way is for this file: each tells when its promise resolves. */
export function fileBorn(id: number, handle: object): void {
  unclaimed.set(handle, { id, bornAtMs: now() })
  for (const request of requests.values()) {
    if (request.awaited) continue
    request.awaited = true
    request.resource.promise?.then(
      (result) => claim(result, request),
      () => {},
    )
  }
}

export function forgetFiles(): void {
  requests.clear()
  unclaimed = new WeakMap()
}

function claim(result: unknown, { asked }: Request): void {
  const file = typeof result === 'object' && result !== null ? unclaimed.get(result) : undefined
  if (file) enter({ ...asked, ...file, type: 'FILEHANDLE', handle: result as Handle, via: undefined, accepted: false }, file.id)
}
