import { Deadline } from '../../lifetime/deadline.ts'
import { isRegExp } from '../../model/brand.ts'
import type { Data } from '../../model/client.ts'
import type { Connection } from '../../model/connection.ts'
import { NetgraceError } from '../../model/errors.ts'
import { quoted } from '../../model/visible.ts'
import { now } from '../../timeline/clock.ts'
import { Come } from './come.ts'
import { bytesOfText, wholeBytes } from './utf8.ts'

/** How many bytes a message shows of what came, and of what was expected. */
const SHOWN = 200

/** After a pattern was looked for in vain, so many times as long passes before it is looked for again: a flood costs no more than its size. */
const REST = 4

/** What has come and was not taken by a step yet. */
export class ScriptReader {
  readonly #chunks: AsyncIterator<Buffer>
  readonly #come = new Come()
  #pulling: Promise<Buffer | undefined> | undefined
  #over = false

  constructor(connection: Connection) {
    this.#chunks = connection[Symbol.asyncIterator]()
  }

  /** Takes what is expected once it has come. Rejects with `ERR_NETGRACE_SCRIPT` if it cannot come any more. */
  expect(expected: Data | RegExp, step: string): Promise<void> {
    return isRegExp(expected) ? this.#match(expected, step) : this.#exactly(Buffer.from(expected), step)
  }

  /** Each chunk is compared once, as it comes. */
  async #exactly(expected: Buffer, step: string): Promise<void> {
    let chunk: Buffer | undefined = this.#come.all()
    for (let same = 0; ; chunk = await this.#pull()) {
      if (!chunk) throw this.#mismatch(shown(expected), step, ', and then the end')
      const wanted = expected.subarray(same, same + chunk.length)
      const differs = firstDifference(chunk, wanted)
      if (differs >= 0) throw this.#mismatch(shown(expected), step, from(same + differs))
      same += wanted.length
      if (same === expected.length) break
    }
    this.#come.take(expected.length)
  }

  /** All that has come is looked at each time, since a pattern may begin anywhere and look back. */
  async #match(pattern: RegExp, step: string): Promise<void> {
    const once = new RegExp(pattern.source, pattern.flags.replaceAll(/[gy]/g, ''))
    for (;;) {
      const startedAtMs = now()
      const bytes = this.#come.all()
      const text = bytes.toString('utf8', 0, this.#over ? bytes.length : wholeBytes(bytes))
      const match = once.exec(text)
      if (match) return this.#come.take(bytesOfText(bytes, text, match.index + match[0].length))
      if (this.#over) throw this.#mismatch(String(pattern), step, ', and then the end')
      await this.#more(REST * (now() - startedAtMs))
    }
  }

  /** Resolves when more has come, or the end, but not before `ms` have passed: by then the rest of a flood has come, too. */
  async #more(ms: number): Promise<void> {
    const bound = new Deadline(ms)
    await this.#pull()
    while (!this.#over && !bound.passed) await bound.beats(this.#pull())
    bound.cancel()
  }

  /** The next chunk, which has been added to what has come; `undefined`: the end. */
  #pull(): Promise<Buffer | undefined> {
    this.#pulling ??= this.#chunks.next().then(({ value, done }) => {
      this.#pulling = undefined
      if (!done) this.#come.add(value)
      else this.#over = true
      return value as Buffer | undefined
    })
    return this.#pulling
  }

  #mismatch(expected: string, step: string, how: string): NetgraceError {
    const came = this.#come.size === 0 ? 'nothing' : shown(this.#come.all())
    return new NetgraceError('ERR_NETGRACE_SCRIPT', `script, ${step}: expected ${expected}, but ${came} came${how}`)
  }
}

function shown(bytes: Buffer): string {
  return quoted(bytes.toString('utf8', 0, SHOWN)) + (bytes.length > SHOWN ? '…' : '')
}

/** Where `chunk` is not what was wanted of it; -1: nowhere. */
function firstDifference(chunk: Buffer, wanted: Buffer): number {
  if (chunk.subarray(0, wanted.length).equals(wanted)) return -1
  return wanted.findIndex((byte, at) => byte !== chunk[at])
}

/** Where two texts differ, if the message does not show it. */
function from(byte: number): string {
  return byte < SHOWN ? '' : `: they differ from byte ${byte} on`
}
