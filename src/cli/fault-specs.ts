import { InvalidArgumentError } from 'commander'

import { faults } from '../faults/faults.ts'
import type { UdpFault } from '../model/fault.ts'
import type { TcpFault } from '../proxy/injections.ts'
import { MS_ALLOWED, parseMs } from './duration.ts'

/** A fault that was made from text. */
export type AnyFault = TcpFault | UdpFault | (TcpFault & UdpFault)

/** What can be written for an option of a fault. */
interface Kind {
  readonly example: string
  readonly allowed: string
  /** `undefined` or `NaN`: it is not that. */
  readonly parse: (text: string) => number | undefined
}

/** One fault, as it can be written down. */
interface Spec {
  readonly on: 'TCP' | 'UDP' | 'both'
  readonly does: string
  readonly options?: Readonly<Record<string, Kind>>
  readonly needs?: string
  /** Throws for what the kinds do not know of: ranges, and what does not go together. */
  readonly make: (options: never) => AnyFault
}

const time = (example: string): Kind => ({ example, allowed: MS_ALLOWED, parse: parseMs })
const number = (example: string): Kind => ({ example, allowed: 'a number', parse: (text) => (text.trim() === '' ? NaN : Number(text)) })

const SPECS: { readonly [Name in keyof typeof faults]: Spec } = {
  latency: {
    on: 'both',
    does: 'everything comes later',
    options: { ms: time('100'), jitterMs: time('20') },
    needs: 'ms',
    make: faults.latency,
  },
  loss: {
    on: 'both',
    does: 'packets are lost, sent again (not by UDP)',
    options: { share: number('0.01'), rtoMs: time('200') },
    needs: 'share',
    make: faults.loss,
  },
  bandwidth: {
    on: 'both',
    does: 'no more than so much',
    options: { bytesPerSecond: number('50000') },
    needs: 'bytesPerSecond',
    make: faults.bandwidth,
  },
  stall: { on: 'both', does: 'holds everything; both ends stay open', make: faults.stall },
  blackhole: { on: 'TCP', does: 'swallows everything, FIN and RST too', make: faults.blackhole },
  reset: { on: 'TCP', does: 'RST to both sides', make: faults.reset },
  end: { on: 'TCP', does: 'FIN to both sides', make: faults.end },
  slowClose: { on: 'TCP', does: 'delays only the FIN', options: { ms: time('3s') }, needs: 'ms', make: faults.slowClose },
  slicer: {
    on: 'TCP',
    does: 'small pieces, with gaps',
    options: { size: number('10'), variation: number('5'), gapMs: time('20') },
    needs: 'size',
    make: faults.slicer,
  },
  corrupt: { on: 'both', does: 'flips bits of every 8 bytes', options: { bits: number('1') }, make: faults.corrupt },
  connectLatency: {
    on: 'TCP',
    does: 'links dial later',
    options: { ms: time('100'), jitterMs: time('20') },
    needs: 'ms',
    make: faults.connectLatency,
  },
  refuse: { on: 'TCP', does: 'refuses new connections', make: faults.refuse },
  drop: { on: 'UDP', does: 'loses datagrams', make: faults.drop },
  duplicate: { on: 'UDP', does: 'sends them twice', make: faults.duplicate },
  reorder: {
    on: 'UDP',
    does: 'holds some of them back',
    options: { ms: time('20'), share: number('0.5') },
    make: faults.reorder,
  },
}

type FaultName = keyof typeof SPECS

/** `latency:ms=100,jitterMs=20` as a fault. */
export function faultFrom(text: string): AnyFault {
  const [, name, rest] = /^([^:]*):?(.*)$/s.exec(text)!
  if (!isFaultName(name!)) throw new InvalidArgumentError(`It must begin with one of ${Object.keys(SPECS).join(', ')}.`)
  const spec: Spec = SPECS[name]
  const given = new Map<string, number>()
  for (const part of rest === '' ? [] : rest!.split(',')) {
    const [, key, value] = /^([^=]*)=?(.*)$/s.exec(part)!
    const kind = Object.hasOwn(spec.options ?? {}, key!) ? spec.options![key!] : undefined
    if (!kind) throw new InvalidArgumentError(`${takes(name, spec)}, got ${JSON.stringify(part)}.`)
    if (given.has(key!)) throw new InvalidArgumentError(`${key} is given twice.`)
    const parsed = kind.parse(value!)
    if (parsed === undefined || Number.isNaN(parsed)) {
      throw new InvalidArgumentError(`${key} must be ${kind.allowed}, got ${JSON.stringify(value)}.`)
    }
    given.set(key!, parsed)
  }
  if (spec.needs && !given.has(spec.needs)) throw new InvalidArgumentError(`It needs ${spec.needs}, as in ${written(name, [spec.needs])}.`)
  try {
    return spec.make(Object.fromEntries(given) as never)
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`)
  }
}

/** The faults for TCP, or for UDP. */
export function faultNames(on: 'TCP' | 'UDP'): FaultName[] {
  return Object.keys(SPECS)
    .filter(isFaultName)
    .filter((name) => [on, 'both'].includes(SPECS[name].on))
}

/** Each of them as it can be written, and what it does. */
export function faultTable(on: 'TCP' | 'UDP'): [written: string, does: string][] {
  return faultNames(on).map((name) => [written(name), SPECS[name].does])
}

function takes(name: string, { options }: Spec): string {
  return options ? `${name} takes ${Object.keys(options).join(', ')}, as in ${written(name as FaultName)}` : `${name} takes no options`
}

function written(name: FaultName, keys?: readonly string[]): string {
  const { options = {} }: Spec = SPECS[name]
  const parts = (keys ?? Object.keys(options)).map((key) => `${key}=${options[key]!.example}`)
  return parts.length === 0 ? name : `${name}:${parts.join(',')}`
}

function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(SPECS, name)
}
