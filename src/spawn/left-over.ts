import { ByteQueue } from '../wire/byte-queue.ts'

/** What a client in another thread or process had left to read when its connection ended: it can still be read, here. */
export class LeftOver {
  readonly #bytes = new ByteQueue()

  push(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#bytes.push(Buffer.from(bytes))
  }

  /** What the method gives now that the connection has ended; `undefined` if it cannot be done any more. */
  answer(method: string, args: readonly unknown[]): { readonly value: unknown } | undefined {
    const bytes = this.#bytes
    switch (method) {
      case 'readLine':
        return { value: this.#line() }
      case 'read':
        return { value: bytes.take(args[0] as number) }
      case 'readToEnd':
        return { value: bytes.take(bytes.size) }
      case 'next': {
        const value = bytes.shift()
        return { value: { value, done: value === undefined } }
      }
      case 'pause':
      case 'resume':
      case 'halfClose':
        return { value: undefined }
      default:
        return undefined
    }
  }

  #line(): string | undefined {
    const line = this.#bytes.takeLine() ?? (this.#bytes.size > 0 ? this.#bytes.take(this.#bytes.size) : undefined)
    return line?.toString('utf8').replace(/\r?\n$/, '')
  }
}
