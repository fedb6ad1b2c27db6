import type { TLSSocket } from 'node:tls'

import type { Client } from '../model/client.ts'
import type { Ending } from '../model/ending.ts'
import { formatEndpoint } from '../model/endpoint.ts'
import { labelled } from './layout.ts'
import { stderr, stdout } from './output.ts'
import { tellOn, type Tell } from './tell.ts'
import { Utf8 } from './utf8.ts'

const HINTS: Readonly<Record<string, string>> = { interactive: '; an empty line closes' }

/**
 * What passes on one connection, for a person or a program: what came and how it ended on stdout, all about it on stderr.
 * A pipe or a file is given the bytes as they came; a terminal is given text that it can only show.
 */
export class Transcript {
  readonly #json: boolean
  readonly #tell: Tell
  readonly #text = new Utf8()
  #inLine = false

  constructor(json: boolean) {
    this.#json = json
    this.#tell = tellOn(stdout, json)
  }

  connected({ local, peer, socket }: Client, mode: string): void {
    const tls = 'encrypted' in socket ? (socket as TLSSocket).getProtocol() : undefined
    if (this.#json) return this.#tell('connected', { local, peer, ...(tls && { tls }) })
    this.say(
      `connected to ${formatEndpoint(peer)} from ${formatEndpoint(local)}${tls ? `, ${tls}` : ''}${HINTS[mode] ?? '; Ctrl-C closes'}`,
    )
  }

  /** Something about the run. */
  say(text: string): void {
    if (!this.#json) stderr.print(`${stderr.paint('dim', labelled('', text, stderr.columns).join('\n'))}\n`)
  }

  /** What came, as it came. */
  came(chunk: Buffer): void {
    this.#inLine = chunk.at(-1) !== 0x0a
    if (!this.#json && !stdout.isTerminal) stdout.pass(chunk)
    else this.#read(this.#text.push(chunk))
  }

  /** Resolves when there is room for more of what comes, or `stop` aborts. */
  room(stop: AbortSignal): Promise<void> {
    return stdout.drained(stop)
  }

  sent(line: string): void {
    this.#tell('sent', { line }, `sent: ${line}`)
  }

  ended(ending: Ending, words: string): void {
    this.#read(this.#text.rest())
    const lines = labelled('', words, stdout.columns).join('\n')
    const line = stdout.paint(ending.kind === 'eof' ? 'green' : 'red', lines)
    this.#tell('ended', { ending, words }, this.#inLine ? `\n${line}` : line)
  }

  #read(text: string): void {
    if (text === '') return
    if (this.#json) this.#tell('read', { text })
    else stdout.print(text.replaceAll('\r\n', '\n'))
  }
}
