/** A rig that serves several tests, as an environment of Jest sees it: that lives outside of the context of the tests. */
export interface SharedRig {
  /** What happened since then, if anything did. */
  storySince(ms: number): string | undefined
}

const RIGS = Symbol.for('netgrace.rigs')

/** Those that are open in the tests whose global object this is. */
export function sharedRigs(global: object): Set<SharedRig> {
  return ((global as { [RIGS]?: Set<SharedRig> })[RIGS] ??= new Set())
}
