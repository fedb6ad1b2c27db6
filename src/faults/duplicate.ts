import type { UdpFault } from '../model/fault.ts'

/** Datagrams come twice. */
export function duplicate(): UdpFault {
  return { name: 'duplicate', options: {}, datagram: () => [0, 0] }
}
