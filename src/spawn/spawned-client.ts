import type { Client, Data } from '../model/client.ts'
import type { Exit } from './host.ts'

/** What stays the same when a client is somebody else. */
type Called = Pick<
  Client,
  'local' | 'peer' | 'ended' | 'endsWithin' | 'send' | 'readLine' | 'read' | 'readToEnd' | 'ask' | 'reset' | 'close'
>

/**
 * A client in a thread of its own: its methods are a client's, each a promise.
 *
 * Whoever spawned it ends it with `close()`, `reset()` or `await using`; a rig does it for its own. When {@link ended}
 * resolves, the thread and its port are gone, also after a crash: then the ending is `error`, and its cause says why.
 */
export interface SpawnedClient extends Called, AsyncDisposable {
  drip(data: Data, options: { readonly everyMs: number }): Promise<Disposable>
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer>
  pause(): Promise<void>
  resume(): Promise<void>
  halfClose(): Promise<void>
}

/** A client in a process of its own, which can be killed and frozen. */
export interface SpawnedProcessClient extends SpawnedClient {
  readonly pid: number
  /** How the process ended. Never rejects. */
  readonly exited: Promise<Exit>
  /** Kills it, and resolves when it is gone. Default `SIGKILL`. */
  kill(signal?: NodeJS.Signals): Promise<Exit>
  /** Stops it (`SIGSTOP`): the kernel goes on acknowledging for it, and nobody sees anything. Resolves when it stands still. */
  freeze(): Promise<void>
  /** Lets it go on (`SIGCONT`). */
  thaw(): Promise<void>
}
