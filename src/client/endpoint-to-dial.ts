import { endpointOf, type Address, type Endpoint } from '../model/endpoint.ts'
import { wrongType, wrongValue } from '../model/invalid.ts'

/**
 * The endpoint of an address that a client is about to dial. Throws if that is a server or proxy of netgrace's that speaks
 * TLS, and the client would speak plain TCP with it: such a client hears nothing, and its server waits for a handshake.
 *
 * @param options  The client's. `undefined`: it has none for TLS.
 */
export function endpointToDial(to: Address, options: { readonly tls?: unknown } | undefined): Endpoint {
  const endpoint = endpointOf(to)
  const url = urlOfServer(to)
  if (url === undefined || !/^(?:tls|https):/.test(url) || options?.tls !== undefined) return endpoint
  const plain = 'for plain TCP all the same, pass its { host, port }'
  if (!options) throw wrongValue('to', `a server that speaks plain TCP (${plain})`, url)
  throw wrongType('tls', `what tls.connect takes, as { ca }, to dial ${url} (${plain})`, options.tls)
}

function urlOfServer(to: Address): string | undefined {
  if (typeof to !== 'object' || to instanceof URL) return undefined
  const { url, stop } = to as { readonly url?: unknown; readonly stop?: unknown }
  return typeof url === 'string' && typeof stop === 'function' ? url : undefined
}
