// Odd on purpose.
/* oxlint-disable */
import { once } from 'node:events'
import net from 'node:net'
import { setInterval as every, setTimeout as delay } from 'node:timers/promises'

const MINUTE = 60_000

export function clearedInEveryWay() {
  clearTimeout(setTimeout(() => {}, MINUTE))
  clearInterval(setInterval(() => {}, MINUTE).unref())
  clearTimeout(+setTimeout(() => {}, MINUTE))
  clearTimeout(String(+setTimeout(() => {}, MINUTE)))
  setTimeout(() => {}, MINUTE).close()
  setTimeout(() => {}, MINUTE)[Symbol.dispose]?.() ?? clearTimeout(undefined)
}

export async function anIntervalThatClearsItself() {
  let left = 3
  const ticker = setInterval(() => {
    if (--left === 0) clearInterval(ticker)
  }, 1)
}

export async function refreshedAndThenCleared() {
  const timer = setTimeout(() => {}, 1)
  await delay(5)
  timer.refresh()
  clearTimeout(timer)
}

export async function firedWithinTheSettlingTime() {
  setTimeout(() => setTimeout(() => {}, 50), 50)
}

export async function anAbortedDelay() {
  const abort = new AbortController()
  const waiting = delay(MINUTE, undefined, { signal: abort.signal }).catch(() => {})
  abort.abort()
  await waiting
}

export async function anIntervalOfPromisesThatIsLeft() {
  let left = 3
  for await (const _ of every(1)) if (--left === 0) break
}

export async function signalsWithATimeout({ keep }) {
  keep(AbortSignal.timeout(MINUTE))
  keep(AbortSignal.any([AbortSignal.timeout(MINUTE), new AbortController().signal]))
  await once(new EventTarget(), 'never', { signal: AbortSignal.timeout(1) }).catch(() => {})
}

export async function theTimeoutOfASocketThatIsClosed({ silent }) {
  const socket = net.connect(silent, '127.0.0.1')
  socket.setTimeout(MINUTE)
  await once(socket, 'connect')
  socket.destroy()
}

export async function immediatesAndTicks() {
  await new Promise((resolve) => {
    let left = 50
    const again = () => (--left === 0 ? resolve() : setImmediate(again))
    again()
  })
  setImmediate(() => setImmediate(() => process.nextTick(() => {})))
}
