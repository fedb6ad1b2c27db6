// node run-one.mjs FILE NAME: runs one program in this process under findLeaks, and prints what was found as a line of JSON.
// What it needs from outside stands in `world`, opened before the tracer is on.
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { findLeaks, watchLeaks } from 'netgrace/leaks'

const [file, name] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'netgrace-packages-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const port = async (server) => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server.address().port
}

const world = {
  ...JSON.parse(process.env.NETGRACE_SERVERS ?? '{}'),
  folder,
  url: `http://127.0.0.1:${await port(http.createServer((request, response) => response.end('hello')))}`,
  silent: await port(net.createServer((socket) => socket.on('error', () => {}).resume())),
  refusing: 1,
  // Some packages close what the garbage collector finds.
  kept: [],
}

const programs = await import(pathToFileURL(file))
// The one tells by async context, the other by the time: what differs has lost its context on the way.
const watch = watchLeaks({ withinMs: 100 })
// Longer than the default: servers on a busy machine take their time to let go. Shorter than the timers that packages forget.
const byScope = await findLeaks(() => programs[name](world), { withinMs: 600 })
const byTime = await watch.find()
const placeOf = ({ site, package: by }) => {
  if (!site) return '(no line)'
  return site.file.includes('/node_modules/') ? `in ${by.replace(/(?<=.)@.*/, '')}` : `${basename(site.file)}:${site.line}`
}
const told = (leaks) => leaks.map((leak) => `${leak.kind} ${placeOf(leak)}`)
if (process.env.NETGRACE_VERBOSE)
  for (const leak of byTime) {
    const { kind, detail, local, remote, site, package: by, unref, stack } = leak
    console.error(JSON.stringify({ kind, detail, local, remote, site, by, unref }), `\n   ${stack.replaceAll('\n', '\n   ')}`)
  }
writeFileSync(1, `\n@@${JSON.stringify({ byScope: told(byScope), byTime: told(byTime) })}\n`)
process.exit(0)
