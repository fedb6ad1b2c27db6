import type { Address } from '../model/endpoint.ts'
import type { NetProxy } from '../proxy/net-proxy.ts'
import { openProxy } from '../proxy/start-proxy.ts'
import { openUdpProxy } from '../proxy/udp/start-udp-proxy.ts'
import { DEFAULT_GRACE_MS } from '../server/server-options.ts'
import { activate } from './active-fault.ts'
import { Diary } from './diary.ts'
import { formatBytes, formatMs } from './duration.ts'
import type { FaultPlans } from './fault-plans.ts'
import { freePort, onFreePort } from './free-port.ts'
import { Interrupts } from './interrupts.ts'
import { LinkLog } from './link-log.ts'
import { ProxyTeller } from './proxy-teller.ts'
import { Pulse, type Units } from './pulse.ts'
import { stopped } from './scenario-text.ts'
import { Screen } from './screen.ts'
import { counts, SessionLog } from './session-log.ts'
import { counted, isClean } from './verdict.ts'

export interface ProxyArguments {
  readonly to: Address
  readonly port: number
  readonly host: string
  readonly seed?: number
  readonly udp?: true
  readonly json?: true
}

const BYTES: Units = { noun: 'links', amount: formatBytes, rate: formatBytes }
const DATAGRAMS: Units = { noun: 'sessions', amount: (passed) => counted(passed, 'datagram'), rate: String }

/** Stands between a client and its server until it is told to stop, tells the life of each link, and gives the exit code. */
export async function proxyCommand(options: ProxyArguments, plans: FaultPlans): Promise<number> {
  using screen = new Screen(options.json ?? false)
  return await (options.udp ? udp(options, plans, screen) : tcp(options, plans, screen))
}

async function tcp(options: ProxyArguments, plans: FaultPlans, screen: Screen): Promise<number> {
  const diary = new Diary(screen.tell)
  const log = new LinkLog(diary)
  const proxy = await openTcp(options, log)
  using interrupts = new Interrupts() // before, there is nothing to stop
  const faults = activate(proxy, plans.tcp())
  const teller = new ProxyTeller(diary, faults)
  teller.listening(proxy, options.port, options.to)
  const report = await untilStopped(proxy, interrupts, diary, new Pulse(screen, diary, faults, () => log.totals(), BYTES))
  log.stopped()
  const { passed } = log.totals()
  const words = `${stopped(report)}; passed on ${formatBytes(passed.upstream)} upstream, ${formatBytes(passed.downstream)} downstream`
  return teller.stopped({ ok: isClean(report), report, passed, words, noun: 'link' })
}

async function udp(options: ProxyArguments, plans: FaultPlans, screen: Screen): Promise<number> {
  const diary = new Diary(screen.tell)
  const log = new SessionLog(diary)
  const proxy = await onFreePort(options, (at) => openUdpProxy(options.to, { ...settings(options), ...at }, { timeline: log.timeline }))
  using interrupts = new Interrupts()
  const faults = activate(proxy, plans.udp())
  log.follow(proxy)
  const teller = new ProxyTeller(diary, faults)
  teller.listening(proxy, options.port, options.to)
  const report = await untilStopped(proxy, interrupts, diary, new Pulse(screen, diary, faults, () => log.totals(), DATAGRAMS))
  const { sessions, upstream, downstream, durationMs } = report
  const words = `${counted(sessions, 'session')}; datagrams ${counts('upstream', upstream)}; ${counts('downstream', downstream)} (${formatMs(durationMs)})`
  return teller.stopped({ ok: report.errors.length === 0, report, passed: log.totals().passed, words, noun: 'datagram' })
}

async function openTcp(options: ProxyArguments, log: LinkLog): Promise<NetProxy> {
  const port = await freePort(options)
  const proxy = await openProxy(options.to, { ...settings(options), port }, { timeline: log.timeline })
  log.follow(proxy)
  return proxy
}

function settings({ host, seed }: ProxyArguments): { host: string; graceMs: number; seed?: number } {
  return { host, graceMs: DEFAULT_GRACE_MS, ...(seed !== undefined && { seed }) }
}

/** What can be stopped gracefully, and then by force. */
interface Haltable<Report> {
  /** What may finish; datagrams have nothing to finish. */
  readonly links?: ReadonlySet<unknown>
  halt(options?: { readonly graceMs?: number }): Promise<Report>
}

async function untilStopped<Report>(proxy: Haltable<Report>, interrupts: Interrupts, diary: Diary, pulse: Pulse): Promise<Report> {
  using _pulse = pulse
  interrupts.onSecond(() => void proxy.halt({ graceMs: 0 }))
  return await new Promise<Report>((resolve) => {
    interrupts.onFirst((interrupt) => {
      diary.stopping(interrupt, proxy.links?.size ?? 0, 'link', DEFAULT_GRACE_MS)
      resolve(proxy.halt())
    })
  })
}
