import type { RequestListener } from 'node:http'

import { askedFor } from '../../lifetime/origin.ts'
import { NetgraceError } from '../../model/errors.ts'
import { wrongValue } from '../../model/invalid.ts'
import { callback } from '../../model/options.ts'
import { Timeline } from '../../timeline/timeline.ts'
import { testCertificate } from '../../wire/certificate/test-certificate.ts'
import { whatItSpeaks, type ForeignServer } from './foreign-server.ts'
import { checkSuperviseOptions, type HttpOptions, type SuperviseOptions } from './supervise-options.ts'
import { ForeignServerKeeper, type SupervisedServer, type SuperviseSetup } from './supervised-server.ts'

/** Who is supervised. Two supervisors would contradict each other: they may have another grace, and each would refuse who is late. */
const supervised = new WeakSet<ForeignServer>()

/**
 * Gives a server of yours an end: a `stop()` that always resolves, within its grace, and loses nothing that can be kept.
 *
 * A server of `node:net`, `node:tls`, `node:http`, `node:https` or `node:http2`, upgraded sockets included: Express,
 * Fastify, Koa and ws stand on one. It listens afterwards, on a free loopback port unless you have told it where.
 * Supervise it before it listens, or at once: of connections from before, not all can be found.
 *
 * At quit, in this order: what the kernel has accepted but Node has not seen is reset (in a cluster worker it is left to the
 * siblings); the listener closes; then each connection gets a FIN as soon as nothing is under way on it:
 *
 * - an idle keep-alive one at once (see `idle.lingerMs`), one that was never used too, unless it is younger than 250 ms;
 * - a busy one behind the answers to all that was asked before quit, of which the last says `Connection: close`; where the
 *   headers of the last were out already, its client has 250 ms to ask once more. What comes behind the FIN is read and
 *   dropped until the peer's FIN, so that an early answer to an upload is not lost (RFC 9112 §9.6);
 * - an HTTP/2 session gets GOAWAY; one whose TLS handshake is under way may still ask once;
 * - an upgrade that is being decided once it has been answered, an upgraded connection a turn or two after `quit`, so that
 *   whoever listens to it can say goodbye first;
 * - one of a server that speaks no HTTP once the server has answered what it has read, or 250 ms before the deadline at the
 *   latest (with a shorter grace, a quarter of it).
 *
 * What a server writes behind its FIN is not sent: it is counted in the report as `cutOff`, and is no `error` of the socket's.
 * What is left at the deadline is reset; an HTTP/1 peer that has had all its answers and does not answer the FIN is left.
 *
 * The caller ends it with `stop()`, `await using`, or by aborting `signal`. Then nothing of ours is left on the server. A
 * server can be supervised again after that, and not before.
 *
 * Limits: a `grpc.Server` is none of these, use its own `drain`. Of connections from before supervision, HTTP/2 sessions
 * are not told, and are cut at the deadline, on Node 20 and 22.
 *
 * @param options.graceMs  How long `stop()` lets connections finish. Milliseconds, ≥ 0. Default {@link DEFAULT_GRACE_MS}.
 * @param options.idle.lingerMs  How long idle connections stay open after quit. Milliseconds, ≥ 0. Default 0.
 * @param options.signal  Aborting it is `stop()`.
 * @throws {TypeError | RangeError}  It is no such server, it is supervised already, or an option is wrong. Nothing has been opened.
 * @throws {NetgraceError}  `ERR_NETGRACE_LISTEN`: it could not listen, `cause` is the system's error;
 *   `ERR_NETGRACE_STOPPED`: `signal` had aborted, or the server was closed before it listened. Nothing of ours is left on it.
 */
export async function superviseServer(server: ForeignServer, options: SuperviseOptions = {}): Promise<SupervisedServer> {
  return askedFor(() => openSupervised(server, options, { timeline: new Timeline() }))
}

/** As {@link superviseServer}, for whoever has a timeline. */
export async function openSupervised(server: ForeignServer, options: SuperviseOptions, setup: SuperviseSetup): Promise<SupervisedServer> {
  checkSuperviseOptions(options)
  whatItSpeaks(server)
  if (supervised.has(server)) throw wrongValue('server', 'a server that is not supervised already', server)
  if (options.signal?.aborted) {
    throw new NetgraceError('ERR_NETGRACE_STOPPED', 'cannot supervise a server: signal had aborted already', {
      cause: options.signal.reason,
    })
  }
  supervised.add(server)
  const keeper = new ForeignServerKeeper(server, options, {
    ...setup,
    reported: (report) => {
      supervised.delete(server)
      setup.reported?.(report)
    },
  })
  try {
    await keeper.start()
  } catch (error) {
    supervised.delete(server)
    throw error
  }
  return keeper
}

/** A new HTTP server around a listener: a function `(request, response)`, an Express app, `app.callback()` of Koa. */
export async function openHttp(
  listener: RequestListener,
  { tls, ...options }: HttpOptions,
  setup: SuperviseSetup,
): Promise<SupervisedServer> {
  callback('listener', listener)
  checkSuperviseOptions(options)
  // whoever supervises nothing does not pay for these modules
  if (!tls) return openSupervised((await import('node:http')).createServer(listener), options, setup)
  const { key, cert, ca } = testCertificate()
  const secure = tls === true ? { key, cert } : tls
  const server = (await import('node:https')).createServer(secure, listener)
  return openSupervised(server, options, { ...setup, ...(tls === true && { ca }) })
}
