import type { ListenerFault } from '../model/fault.ts'

/**
 * New connections are refused (ECONNREFUSED) for as long as it is on, by the kernel, on a port that the proxy holds; links that
 * are open stay so, where `down()` would cut them. Healed, the proxy listens again within the turn. The kernel does not report
 * what it refuses, so its `hits` count how often it was put into effect.
 */
export function refuse(): ListenerFault {
  return { name: 'refuse', options: {}, listener: 'refuses' }
}
