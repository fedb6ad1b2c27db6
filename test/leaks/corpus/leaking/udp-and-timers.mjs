// Odd on purpose.
/* oxlint-disable */
import dgram from 'node:dgram'
import { once } from 'node:events'
import timers from 'node:timers'
import { scheduler, setInterval as every, setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const MINUTE = 60_000

export async function aDatagramSocket() {
  const socket = dgram.createSocket('udp4') //! udp-socket
  await once(socket.bind(0, '127.0.0.1'), 'listening')
}

export async function aDatagramSocketThatOnlySent({ udp }) {
  const socket = dgram.createSocket('udp4') //! udp-socket
  await new Promise((resolve) => socket.send('hello', udp, '127.0.0.1', resolve))
}

export async function aDatagramSocketThatIsConnectedAndUnref({ udp }) {
  const socket = dgram.createSocket({ type: 'udp4', reuseAddr: true }).unref() //! udp-socket
  await new Promise((resolve) => socket.connect(udp, '127.0.0.1', resolve))
}

export function aTimer() {
  setTimeout(() => {}, MINUTE) //! timer
}

export function anIntervalThatIsUnref() {
  setInterval(() => {}, 500).unref() //! timer
}

export async function theTimerOfARace() {
  const late = new Promise((resolve, reject) => setTimeout(reject, MINUTE, new Error('late'))) //! timer
  await Promise.race([late, delay(1)])
}

export function aTimerOfPromises() {
  void delay(MINUTE) //! timer
}

export function aTimerThatIsPromisified() {
  void promisify(setTimeout)(MINUTE) //! timer
}

export function aSchedulersWait() {
  void scheduler.wait(MINUTE) //! timer
}

export async function anIntervalOfPromises() {
  const ticks = every(5)
  await ticks.next() //! timer
}

export function aTimerByItsModule() {
  timers.setTimeout(() => {}, MINUTE) //! timer
}

export async function aTimerThatWasRefreshedAfterItFired() {
  let fired
  const first = new Promise((resolve) => {
    fired = resolve
  })
  const timer = setTimeout(() => fired(), 1) //! timer
  await first
  timer.refresh()
  clearTimeout(undefined)
  const keep = setInterval(() => timer.refresh(), 1) //! timer
  keep.unref()
}

export async function aTimerThatStartsItselfAgain() {
  let rounds = 0
  await new Promise((resolve) => {
    const again = () => {
      if (++rounds === 3) resolve()
      setTimeout(again, rounds < 3 ? 1 : MINUTE) //! timer
    }
    again()
  })
}

export async function theSecondOfTwoTimersOfOneLine() {
  const make = () => setTimeout(() => {}, MINUTE) //! timer
  const [first] = [make(), make()]
  clearTimeout(first)
}
