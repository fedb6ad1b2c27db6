type Act = (reason: unknown) => void

/** Who waits for each signal. One listener serves them all: Node warns of a leak from the eleventh on. */
const waiting = new WeakMap<AbortSignal, Set<Act>>()

/** Calls `act` once `signal` aborts, at once if it has. Returns the way to forget it, after which nothing of ours stays on the signal. */
export function onAbort(signal: AbortSignal, act: Act): () => void {
  if (signal.aborted) {
    act(signal.reason)
    return () => {}
  }
  const acts = waiting.get(signal) ?? listen(signal)
  const mine: Act = (reason) => act(reason) // the same function may be given twice
  acts.add(mine)
  return () => {
    if (!acts.delete(mine) || acts.size > 0) return
    waiting.delete(signal)
    signal.removeEventListener('abort', fire)
  }
}

function listen(signal: AbortSignal): Set<Act> {
  const acts = new Set<Act>()
  waiting.set(signal, acts)
  signal.addEventListener('abort', fire)
  return acts
}

function fire(this: AbortSignal): void {
  const acts = waiting.get(this) ?? []
  waiting.delete(this)
  this.removeEventListener('abort', fire)
  for (const act of acts) act(this.reason)
}
