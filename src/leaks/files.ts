import { now } from '../timeline/clock.ts'
import { Birth } from './birth.ts'
import type { Handle } from './handle.ts'
import { marks } from './marks.ts'
import { enter } from './registry.ts'

/** Has its promise once it is made, which is after we hear of it. Node keeps it while it is under way. */
interface Request {
  readonly promise?: Promise<unknown>
}

type Asked = Pick<Birth, 'scope' | 'origin' | 'stack'>

/** Of a request of `fs.promises`: it knows the user's line and the scope, and the file that comes of it knows neither. */
const asked = marks<Asked>()
/** Requests that are not awaited yet; more are not kept. */
const MOST_REQUESTS = 32
let requests: WeakRef<Request>[] = []
let unclaimed = new WeakMap<object, { readonly id: number; readonly bornAtMs: number }>()

export function requestBegan(request: Request, by: Asked): void {
  if (requests.length === MOST_REQUESTS) awaitAll()
  asked.set(request, by)
  requests.push(new WeakRef(request))
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
  for (const ref of requests) {
    const request = ref.deref()
    const by = request && asked.get(request)
    if (!by) continue
    request.promise?.then(
      (result) => claim(result, by),
      () => {},
    )
  }
  requests = []
}

function claim(result: unknown, by: Asked): void {
  const file = typeof result === 'object' && result !== null ? unclaimed.get(result) : undefined
  if (!file) return
  const handle = result as Handle
  // Node closes the descriptor of what is garbage, so a weak reference would make the leak disappear.
  const ref = { deref: () => handle }
  enter(new Birth({ ...by, ...file, ref, type: 'FILEHANDLE', via: undefined, accepted: false }), handle, file.id)
}
