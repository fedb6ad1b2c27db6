type Act = (reason: unknown) => void

/** Who waits for a signal. */
interface Waiting {
  readonly acts: Set<Act>
  readonly fire: () => void
}

/** One listener serves all who wait for a signal: Node warns of a leak from the eleventh on. */
const waiting = new WeakMap<AbortSignal, Waiting>()

/** Calls `act` once `signal` aborts, at once if it has. Returns the way to forget it, after which nothing of ours stays on the signal. */
export function onAbort(signal: AbortSignal, act: Act): () => void {
  if (signal.aborted) {
    act(signal.reason)
    return () => {}
  }
  const { acts, fire } = waiting.get(signal) ?? listen(signal)
  const mine: Act = (reason) => act(reason) // the same function may be given twice
  acts.add(mine)
  return () => {
    if (!acts.delete(mine) || acts.size > 0) return
    waiting.delete(signal)
    signal.removeEventListener('abort', fire)
  }
}

function listen(signal: AbortSignal): Waiting {
  const acts = new Set<Act>()
  const fire = (): void => {
    waiting.delete(signal)
    signal.removeEventListener('abort', fire)
    for (const act of acts) act(signal.reason)
  }
  const one = { acts, fire }
  waiting.set(signal, one)
  signal.addEventListener('abort', fire)
  return one
}
