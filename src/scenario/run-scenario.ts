import { endpointToDial } from '../client/endpoint-to-dial.ts'
import type { Address } from '../model/endpoint.ts'
import { Timeline } from '../timeline/timeline.ts'
import type { ScenarioReport } from './report.ts'
import type { ScenarioOptions } from './scenario-options.ts'
import { startScenario } from './scenario-run.ts'

/**
 * Lets many clients talk to an echo server at the same time, and reports what became of each: all connect together,
 * send line after line, and compare every reply byte for byte; at the end each closes first, and waits for the server's FIN.
 * Of hundreds, no more than 256 wait for their first reply at a time, as long as anybody is served: a listener's backlog holds no more.
 *
 * A client that fails is a row in the report and disturbs no other: look at `ok`, or call `assertOk()`.
 * All its connections have ended when it resolves, aborted or not.
 *
 * @param to  A server or proxy as it is, an endpoint, a URL with host and port, or `'HOST:PORT'`.
 * @throws {TypeError | RangeError}  An option or the address is wrong. Nothing has been opened.
 * @throws {NetgraceError}  `ERR_NETGRACE_STOPPED`: `signal` had aborted already. Nothing has been opened.
 * @see Graceful Shutdown of Go net.Listeners (2013), whose ten clients send ten messages each.
 */
export async function runScenario(to: Address, options: ScenarioOptions = {}): Promise<ScenarioReport> {
  return startScenario(endpointToDial(to, undefined), options, new Timeline()).report
}
