import type { Client } from '../model/client.ts'
import type { Ending } from '../model/ending.ts'
import { formatEndpoint } from '../model/endpoint.ts'
import { labelled } from './layout.ts'
import { paintFor } from './paint.ts'
import { tellOn, widthOf, type Tell } from './tell.ts'

const HINTS: Readonly<Record<string, string>> = { interactive: '; an empty line closes' }

/** What is said on one connection, as a person or a program reads it: what came and how it ended on stdout, all about it on stderr. */
export class Transcript {
  readonly #json: boolean
  readonly #tell: Tell
  readonly #decoder = new TextDecoder()
  #inLine = false

  constructor(json: boolean) {
    this.#json = json
    this.#tell = tellOn(process.stdout, json)
  }

  connected({ local, peer }: Client, mode: string): void {
    if (this.#json) this.#tell('connected', { local, peer })
    else this.say(`connected to ${formatEndpoint(peer)} from ${formatEndpoint(local)}${HINTS[mode] ?? '; Ctrl-C closes'}`)
  }

  /** Something about the run. */
  say(text: string): void {
    if (!this.#json) process.stderr.write(`${paintFor(process.stderr)('dim', labelled('', text, widthOf(process.stderr)).join('\n'))}\n`)
  }

  /** What came, as it came. */
  came(chunk: Buffer): void {
    this.#inLine = chunk.at(-1) !== 0x0a
    if (this.#json) this.#tell('read', { text: this.#decoder.decode(chunk, { stream: true }) })
    else process.stdout.write(chunk)
  }

  sent(line: string): void {
    this.#tell('sent', { line }, `sent: ${line}`)
  }

  ended(ending: Ending, words: string): void {
    const lines = labelled('', words, widthOf(process.stdout)).join('\n')
    const line = paintFor(process.stdout)(ending.kind === 'eof' ? 'green' : 'red', lines)
    this.#tell('ended', { ending, words }, this.#inLine ? `\n${line}` : line)
  }
}
