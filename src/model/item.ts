/** FIN, as something that travels: behind the bytes that were sent before it. */
export const END: unique symbol = Symbol('END')

/** RST, as something that travels. */
export const RST: unique symbol = Symbol('RST')

/** What a lane carries, in order. `END` or `RST` comes at most once, and last. */
export type Item = Buffer | typeof END | typeof RST

/** How many bytes of the stream it is. */
export function sizeOf(item: Item): number {
  return typeof item === 'symbol' ? 0 : item.length
}
