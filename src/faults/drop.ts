import type { UdpFault } from '../model/fault.ts'

/** Loses datagrams; how many is for `probability` to say. There is none for TCP, where the kernel would send again. */
export function drop(): UdpFault {
  return { name: 'drop', options: {}, datagram: () => [] }
}
