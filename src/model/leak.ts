import type { Endpoint } from './endpoint.ts'

/** What can outlive its scope. */
export const LEAK_KINDS = [
  'tcp-socket',
  'tcp-listener',
  'unix-socket',
  'unix-listener',
  'udp-socket',
  'timer',
  'child-process',
  'pipe',
  'worker',
  'message-port',
  'fs-watcher',
  'file',
] as const

export type LeakKind = (typeof LEAK_KINDS)[number]

/** A line of somebody's code. `file` is absolute; `function` is empty for code outside of any. */
export interface LeakSite {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly function: string
}

/** A handle that outlived its scope. */
export interface Leak {
  readonly kind: LeakKind
  readonly local?: Endpoint
  readonly remote?: Endpoint
  readonly fd?: number
  readonly pid?: number
  readonly bytesRead?: number
  readonly bytesWritten?: number
  /** What this kind is known by: `setInterval 500 ms`, a child's command, the path that is watched. */
  readonly detail?: string
  /** It does not keep the process alive. It is open all the same. */
  readonly unref: boolean
  readonly openMs: number
  /** The user's line that opened it: the innermost frame outside `node:`, `node_modules` and netgrace; a package's line where the user has none. */
  readonly site?: LeakSite
  /** The outermost line of the user's that asked for it, where that is in another file than `site`. */
  readonly onBehalfOf?: LeakSite
  /** The package that opened it, as `name@version`, where it was not the user's own code. */
  readonly package?: string
  /**
   * The queue, batcher or pool from whose callbacks it was opened, as `name@version`. Such a package runs the work of one caller
   * in the context of another, so `scope` may be that of whichever came first.
   */
  readonly queue?: string
  /** Where it was opened, innermost first, one `at …` a line. */
  readonly stack: string
  /** The test, or the function, that opened it. */
  readonly scope?: string
}

/** Names leaks by what is given; all of it must hold. `file` is the end of a path, a folder that ends in `/`, or a pattern for the absolute path. */
export type LeakFilter =
  | { readonly kind?: LeakKind; readonly file?: string | RegExp; readonly package?: string; readonly unref?: boolean }
  | ((leak: Leak) => boolean)

export interface LeakOptions {
  /** How long handles may take to close by themselves. Only a real leak pays for it. Milliseconds, default 250. */
  readonly withinMs?: number | undefined
  /** Only these kinds. */
  readonly kinds?: readonly LeakKind[] | undefined
  /** Not these: what is shared on purpose. */
  readonly ignore?: readonly LeakFilter[] | undefined
  /** Files without a `FileHandle` as well, by patching `fs.open` and `fs.close` meanwhile. Default false. */
  readonly files?: boolean | undefined
}

/** Options of `assertNoLeaks`. */
export interface AssertNoLeaksOptions extends LeakOptions {
  /**
   * `'fail'`: what was opened meanwhile in no test's context, or in that of the caller, and is open still, fails as well. The
   * callbacks of a client that `fn` did not open run there. Other code that runs at the same time may open something there too,
   * so it is an option. Default `'allow'`.
   */
  readonly orphans?: 'allow' | 'fail'
}

/** What `findLeaks` resolves to. */
export interface FoundLeaks extends Array<Leak> {
  /** Opened meanwhile in no test's context, or in that of the caller, and open still. Not enumerable. */
  readonly orphans: readonly Leak[]
}

/** A stretch of time, over the whole process. The caller ends it with `stop()`. */
export interface LeakWatch extends Disposable {
  /** What was opened since, and is open still. May be asked again and again. */
  find(): Promise<Leak[]>
  /** Rejects with a `LeakError` if there is any. */
  assertNone(): Promise<void>
  stop(): void
}
