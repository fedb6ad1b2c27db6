import { endpointOf, formatEndpoint, type Address } from '../model/endpoint.ts'
import { withoutPassword } from '../model/without-password.ts'
import { hitsOf, type ActiveFault } from './active-fault.ts'
import type { Diary } from './diary.ts'
import { otherPort } from './free-port.ts'
import { labelled } from './layout.ts'
import type { BothWays } from './pulse.ts'
import { sheetWidth } from './tell.ts'
import { counted } from './verdict.ts'

/** A proxy that listens. */
interface Listening {
  readonly url: string
  readonly host: string
  readonly port: number
  readonly seed: number
}

/** What a proxy came to. */
interface Stopped {
  readonly ok: boolean
  readonly report: { readonly errors: readonly Error[] }
  readonly words: string
  readonly passed: BothWays
  /** What the faults were to hit. */
  readonly noun: string
}

/** Says where a proxy listens and which faults are on, and in the end what they have hit. */
export class ProxyTeller {
  readonly #diary: Diary
  readonly #faults: readonly ActiveFault[]

  constructor(diary: Diary, faults: readonly ActiveFault[]) {
    this.#diary = diary
    this.#faults = faults
  }

  listening({ url, host, port, seed }: Listening, wanted: number, to: Address): void {
    const { paint, tell } = this.#diary
    const upstream = endpointOf(to)
    const faults = this.#faults.map(({ words }) => words)
    const listed = faults.length > 0 ? faults : ['no fault: everything passes']
    tell(
      'listening',
      { url, host, port, wanted, to: upstream, seed, faults },
      ...otherPort(wanted, port, paint),
      ...labelled(
        '',
        `listening on ${paint('bold', withoutPassword(url))}, to ${formatEndpoint(upstream)}: seed ${seed}; Ctrl-C stops`,
        sheetWidth(),
      ),
      ...listed.flatMap((line) => labelled('  ', line, sheetWidth())),
    )
  }

  /** Gives the exit code. A fault that met nothing is said, and is no failure: a person tries things out here. */
  stopped({ ok, report, passed, words, noun }: Stopped): number {
    const { paint, tell } = this.#diary
    const hits = hitsOf(this.#faults)
    tell(
      'stopped',
      { ok, report, passed, hits },
      ...labelled('', `stopped: ${words}`, sheetWidth()).map((line) => paint(ok ? 'green' : 'red', line)),
      ...hits.flatMap((one) => {
        const met = one.hits > 0 ? `hit ${counted(one.hits, noun)}` : paint('yellow', 'met nothing')
        return labelled('  ', `${one.fault}: ${met}`, sheetWidth())
      }),
      ...report.errors.flatMap(({ message }) => labelled('  ', paint('red', message), sheetWidth())),
    )
    return ok ? 0 : 1
  }
}
