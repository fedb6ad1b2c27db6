/** A random life of a proxy: some links with traffic on both sides of each, while faults are injected and healed, and the server taken away. */
import type net from 'node:net'

import * as fc from 'fast-check'

import { faults } from '../../src/faults/faults.ts'
import type { Fault } from '../../src/model/fault.ts'
import type { Link } from '../../src/model/link.ts'
import type { StopReport } from '../../src/model/stop-report.ts'
import type { Where } from '../../src/model/where.ts'
import type { FaultProxy } from '../../src/proxy/fault-proxy.ts'
import type { InjectedFault } from '../../src/proxy/injection.ts'
import { bareServer, closed, dialBare, turns } from '../support.ts'
import { Collected, noise, proxyTo } from './parts.ts'

export const KINDS = {
  latency: () => faults.latency({ ms: 2 }),
  jitter: () => faults.latency({ ms: 1, jitterMs: 3 }),
  bandwidth: () => faults.bandwidth({ bytesPerSecond: 20_000_000 }),
  stall: () => faults.stall(),
  slowClose: () => faults.slowClose({ ms: 3 }),
  slicer: () => faults.slicer({ size: 500, variation: 400 }),
  'slicer with gaps': () => faults.slicer({ size: 3000, gapMs: 1 }),
  corrupt: () => faults.corrupt(),
  blackhole: () => faults.blackhole(),
  reset: () => faults.reset(),
  end: () => faults.end(),
} as const satisfies Record<string, () => Fault>

const MARK = Buffer.from('COMMIT')

type Step = { readonly send: number } | { readonly mark: true } | { readonly pause: number } | { readonly wait: number }

interface Script {
  readonly steps: readonly Step[]
  /** How it ends; half of them say goodbye, and mean it. */
  readonly last: 'end' | 'reset' | 'destroy'
}

type Act =
  | { readonly do: 'inject'; readonly kind: keyof typeof KINDS; readonly where: Where }
  | { readonly do: 'heal'; readonly which: number }
  | { readonly do: 'heal all' }
  | { readonly do: 'up' }
  | { readonly do: 'restart' }
  | { readonly do: 'down'; readonly existing: 'reset' | 'end' | 'keep' }
  | { readonly do: 'wait'; readonly turns: number }

export interface Life {
  readonly seed: number
  /** How long it takes to find the server. */
  readonly dialTurns: number
  readonly links: readonly { readonly afterTurns: number; readonly client: Script; readonly server: Script }[]
  readonly acts: readonly Act[]
  /** It is stopped in the middle. */
  readonly stop: { readonly afterTurns: number; readonly graceMs: number } | undefined
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ send: fc.integer({ min: 1, max: 3000 }) }) },
  { weight: 12, arbitrary: fc.record({ send: fc.integer({ min: 1, max: 60_000 }) }) },
  { weight: 1, arbitrary: fc.record({ send: fc.integer({ min: 800_000, max: 2_000_000 }) }) }, // more than a lane may have in flight
  { weight: 3, arbitrary: fc.constant({ mark: true as const }) },
  { weight: 3, arbitrary: fc.record({ pause: fc.integer({ min: 1, max: 20 }) }) },
  { weight: 16, arbitrary: fc.record({ wait: fc.integer({ min: 1, max: 6 }) }) },
)

const script: fc.Arbitrary<Script> = fc.record({
  steps: fc.array(step, { minLength: 4, maxLength: 24, size: 'max' }),
  last: fc.constantFrom('end', 'end', 'end', 'end', 'reset', 'destroy'),
})

const direction = fc.constantFrom('upstream' as const, 'downstream' as const, 'both' as const)

const after = fc.oneof(
  fc.record({ bytes: fc.nat(50_000) }),
  fc.record({ ms: fc.nat(3) }),
  fc.record({ match: fc.constantFrom('COMMIT', /COM+IT/, MARK) }),
  fc.record({ bytes: fc.nat(5000), match: fc.constant('COMMIT'), ms: fc.nat(2) }),
)

const where: fc.Arbitrary<Where> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ direction }) },
  { weight: 3, arbitrary: fc.record({ direction, after }) },
  { weight: 1, arbitrary: fc.record({ direction, times: fc.integer({ min: 1, max: 2 }) }) },
  { weight: 1, arbitrary: fc.record({ direction, probability: fc.constantFrom(0.3, 0.7) }) },
  {
    weight: 1,
    arbitrary: fc.record({ direction, links: fc.constantFrom('open' as const, 'later' as const, ({ id }: Link) => id % 2 === 1) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ direction, after, times: fc.constant(1), probability: fc.constant(0.7), links: fc.constant('later' as const) }),
  },
)

const kinds = Object.keys(KINDS) as (keyof typeof KINDS)[]
const final = ['reset', 'end'] as const
const kind = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...kinds.filter((one) => !final.includes(one as 'end'))) },
  { weight: 1, arbitrary: fc.constantFrom(...final) }, // behind these nothing more can happen
)

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('inject' as const), kind, where }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('heal' as const), which: fc.nat(5) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('wait' as const), turns: fc.integer({ min: 1, max: 10 }) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'heal all' as const }) },
)

const outage: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ do: fc.constant('down' as const), existing: fc.constantFrom('reset' as const, 'end' as const, 'keep' as const) }),
  fc.constant({ do: 'up' as const }),
  fc.constant({ do: 'restart' as const }),
)

/** Half of the lives have no outage and no stop: there all that is sent must arrive, but for what a fault says. */
export const lives: fc.Arbitrary<Life> = fc.record({
  seed: fc.nat(2 ** 31),
  dialTurns: fc.constantFrom(0, 0, 0, 20),
  links: fc.array(fc.record({ afterTurns: fc.nat(15), client: script, server: script }), { minLength: 1, maxLength: 3, size: 'max' }),
  acts: fc.oneof(
    { weight: 2, arbitrary: fc.array(act, { maxLength: 24, size: 'max' }) },
    {
      weight: 1,
      arbitrary: fc.array(fc.oneof({ weight: 4, arbitrary: act }, { weight: 1, arbitrary: outage }), { maxLength: 24, size: 'max' }),
    },
  ),
  stop: fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.record({ afterTurns: fc.nat(60), graceMs: fc.constantFrom(0, 5, 1000) }) },
  ),
})

/** One end of a link: what it has sent, and what came. */
export class End {
  readonly socket: net.Socket
  readonly come: Collected
  readonly script: Script
  /** Ours and the other one's; unknown once it has closed. */
  readonly ports: { readonly own: number | undefined; readonly other: number | undefined }
  readonly #sent: Buffer[] = []
  /** It came to its end without having been interrupted. */
  played = false
  error: string | undefined

  constructor(socket: net.Socket, its: Script) {
    this.socket = socket
    this.script = its
    this.come = new Collected(socket)
    this.ports = { own: socket.localPort, other: socket.remotePort }
    socket.on('error', (error: NodeJS.ErrnoException) => (this.error = error.code))
  }

  get sent(): Buffer {
    return Buffer.concat(this.#sent)
  }

  /** Whoever will clean up keeps the socket, but needs no bytes. */
  forget(): void {
    this.#sent.length = 0
    this.come.chunks.length = 0
  }

  async play(): Promise<void> {
    for (const one of this.script.steps) {
      if (!this.socket.writable) return
      if ('wait' in one) await turns(one.wait)
      else if ('pause' in one) await this.#sleep(one.pause)
      else this.#send('mark' in one ? MARK : someNoise(one.send))
    }
    if (!this.socket.writable) return
    this.played = true
    if (this.script.last === 'end') this.socket.end()
    else if (this.script.last === 'reset') this.socket.resetAndDestroy()
    else this.socket.destroy()
  }

  #send(bytes: Buffer): void {
    this.#sent.push(bytes)
    this.socket.write(bytes)
  }

  /** The reader does not read, and so nor does it see an end. */
  async #sleep(count: number): Promise<void> {
    this.socket.pause()
    await turns(count)
    this.socket.resume()
  }
}

/** What was lived. */
export interface Lived {
  readonly proxy: FaultProxy
  readonly clients: readonly End[]
  readonly servers: readonly End[]
  readonly links: readonly Link[]
  readonly injected: readonly Injected[]
  /** Heals of what had met something, on a link that carried more afterwards. */
  readonly healedUnderWay: number
  /** Links that an outage has cut, and what they had carried by then. */
  readonly cutLinks: readonly Carried[]
  /** There has been an outage that cut what was open, or a stop. */
  readonly cut: boolean
  /** The proxy could not listen again: its port was in use. It is held meanwhile, so this is rare. */
  readonly portTaken: boolean
  readonly report: StopReport | undefined
}

interface Carried {
  readonly link: Link
  readonly bytes: number
}

interface Injected {
  readonly kind: keyof typeof KINDS
  readonly where: Where
  readonly fault: InjectedFault
}

/** Lives it, to the end of all its sockets. */
export async function live(life: Life): Promise<Lived> {
  const [clients, servers, links]: [End[], End[], Link[]] = [[], [], []]
  const scripts = life.links.map(({ server }) => server)
  const playing: Promise<void>[] = []
  const bare = await bareServer((socket) => {
    const end = new End(socket, scripts.shift() ?? { steps: [], last: 'end' })
    servers.push(end)
    playing.push(end.play())
  })
  const find = (): Promise<typeof bare> => turns(life.dialTurns).then(() => bare)
  const proxy = await proxyTo(find, { seed: life.seed, graceMs: 1000 })
  const counting = countLinks(proxy, links)
  const acting = new Acting(proxy, links)
  const connecting = life.links.map(async ({ afterTurns, client }) => {
    await turns(afterTurns)
    const socket = dialBare(proxy)
    await new Promise<void>((resolve) => void socket.once('connect', resolve).once('close', () => resolve()))
    const end = new End(socket, client)
    clients.push(end)
    await end.play()
  })
  const stopping = stopInTheMiddle(proxy, life.stop)
  await acting.all(life.acts)
  await Promise.all(connecting)
  proxy.heal()
  await Promise.all(clients.map(({ socket }) => closed(socket)))
  const report = await stopping
  while (proxy.links.size > 0) await turns(1)
  await turns(2) // what has reached the kernel of the server is accepted
  await Promise.all(playing)
  await Promise.all(servers.map(({ socket }) => closed(socket)))
  await bare.close()
  counting.stop()
  return { proxy, clients, servers, links, report, ...acting.done(), cut: acting.cut || life.stop !== undefined }
}

/** What the proxy's owner does to it. */
class Acting {
  readonly #proxy: FaultProxy
  readonly #links: readonly Link[]
  readonly #injected: Injected[] = []
  readonly #on: Injected[] = []
  readonly #healed: Carried[] = []
  readonly #cutLinks: Carried[] = []
  #portTaken = false
  cut = false

  constructor(proxy: FaultProxy, links: readonly Link[]) {
    this.#proxy = proxy
    this.#links = links
  }

  async all(acts: readonly Act[]): Promise<void> {
    try {
      for (const one of acts) await this.#do(one)
      await this.#proxy.up()
    } catch (error) {
      const { code, cause } = error as { code?: string; cause?: { code?: string } }
      this.#portTaken = code === 'ERR_NETGRACE_LISTEN' && cause?.code === 'EADDRINUSE'
      if (!this.#portTaken && code !== 'ERR_NETGRACE_STOPPED') throw error
    }
  }

  done(): Pick<Lived, 'injected' | 'cutLinks' | 'healedUnderWay' | 'portTaken'> {
    const healedUnderWay = this.#healed.filter(({ link, bytes }) => carried(link) > bytes).length
    return { injected: this.#injected, cutLinks: this.#cutLinks, healedUnderWay, portTaken: this.#portTaken }
  }

  async #do(one: Act): Promise<void> {
    const proxy = this.#proxy
    if (one.do === 'inject') this.#inject(one)
    else if (one.do === 'heal') this.#heal(this.#on.splice(-1 - one.which, 1)[0])
    else if (one.do === 'wait') await turns(one.turns)
    else if (one.do === 'heal all') proxy.heal()
    else if (one.do === 'up') await proxy.up()
    else await this.#cut(one)
  }

  async #cut(one: Extract<Act, { do: 'down' | 'restart' }>): Promise<void> {
    this.cut ||= one.do === 'restart' || one.existing !== 'keep'
    if (one.do === 'restart') return this.#proxy.restart({ downMs: 1 })
    await this.#proxy.down(one.existing)
    if (one.existing !== 'keep') this.#cutLinks.push(...this.#carried())
  }

  #inject({ kind: name, where: at }: Extract<Act, { do: 'inject' }>): void {
    const injected = { kind: name, where: at, fault: this.#proxy.inject(KINDS[name](), { ...at, optional: true }) }
    this.#injected.push(injected)
    this.#on.push(injected)
  }

  #heal(injected: Injected | undefined): void {
    if (!injected) return
    if (injected.fault.hits > 0) this.#healed.push(...this.#carried())
    injected.fault.heal()
  }

  #carried(): Carried[] {
    return this.#links.map((link) => ({ link, bytes: carried(link) }))
  }
}

export function carried({ bytes }: Link): number {
  return bytes.upstream + bytes.downstream
}

async function stopInTheMiddle(proxy: FaultProxy, stop: Life['stop']): Promise<StopReport | undefined> {
  if (!stop) return undefined
  await turns(stop.afterTurns)
  return proxy.stop({ graceMs: stop.graceMs })
}

function countLinks(proxy: FaultProxy, links: Link[]): { stop: () => void } {
  const quit = new AbortController()
  const count = async (): Promise<void> => {
    for (;;) links.push(await proxy.nextLink({ signal: quit.signal }))
  }
  count().catch(() => {}) // it is aborted, or the proxy has stopped
  return { stop: () => quit.abort() }
}

const SOME = noise(4 * 2 ** 20)
let at = 0

/** Never the same bytes twice in a row, so that one that is missing or moved shows. */
function someNoise(size: number): Buffer {
  if (at + size > SOME.length) at = 0
  at += size
  return SOME.subarray(at - size, at)
}
