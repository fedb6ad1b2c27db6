import { now } from '../timeline/clock.ts'
import type { Birth } from './birth.ts'
import type { Handle } from './handle.ts'
import { enter } from './registry.ts'

/** A request of `fs.promises` under way: it knows the user's line and the scope, and the file that comes of it knows neither. */
interface Request {
  /** Has its promise once it is made, which is after we hear of it. */
  readonly resource: { readonly promise?: Promise<unknown> }
  readonly asked: Pick<Birth, 'scope' | 'origin' | 'stack'>
}

/** Requests that are not awaited yet; more are not kept. */
const MOST_REQUESTS = 32
let requests: Request[] = []
let unclaimed = new WeakMap<object, { readonly id: number; readonly bornAtMs: number }>()

export function requestBegan(request: Request): void {
  if (requests.length === MOST_REQUESTS) awaitAll()
  requests.push(request)
}

/** One of the requests under way is for this file: each tells when its promise resolves. */
export function fileBorn(id: number, handle: object): void {
  unclaimed.set(handle, { id, bornAtMs: now() })
  awaitAll()
}

export function forgetFiles(): void {
  requests = []
  unclaimed = new WeakMap()
}

function awaitAll(): void {
  for (const request of requests) {
    request.resource.promise?.then(
      (result) => claim(result, request),
      () => {},
    )
  }
  requests = []
}

function claim(result: unknown, { asked }: Request): void {
  const file = typeof result === 'object' && result !== null ? unclaimed.get(result) : undefined
  if (file) enter({ ...asked, ...file, type: 'FILEHANDLE', handle: result as Handle, via: undefined, accepted: false }, file.id)
}
