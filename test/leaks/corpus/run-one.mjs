// node run-one.mjs FILE NAME LEAKS: runs one snippet in this process, under the findLeaks of that module, and prints what was found as one line of JSON.
// What a snippet needs from outside its scope stands in `world`, opened before the tracer is on.
import { spawnSync } from 'node:child_process'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import tls from 'node:tls'

const [file, name, leaksModule] = process.argv.slice(2)
const { findLeaks } = await import(pathToFileURL(leaksModule))
const folder = mkdtempSync(join(tmpdir(), 'netgrace-corpus-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const cert = readFileSync(new URL('cert.pem', import.meta.url))
const key = readFileSync(new URL('key.pem', import.meta.url))
const port = async (server) => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server.address().port
}
const answer = (request, response) => response.end(`hello ${request.url}`)
const endless = (request, response) => void response.write('x'.repeat(100_000))

const world = {
  cert,
  key,
  ca: cert,
  folder,
  file: join(folder, 'file.txt'),
  path: join(folder, 'unix.sock'),
  kept: [],
  keep: (thing) => {
    world.kept.push(thing)
    return thing
  },
  echo: await port(net.createServer((socket) => socket.on('error', () => {}).pipe(socket))),
  silent: await port(net.createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}).resume())),
  greeting: await port(net.createServer((socket) => socket.on('error', () => {}).end('hello'))),
  secure: await port(tls.createServer({ cert, key }, (socket) => socket.on('error', () => {}).pipe(socket))),
  http: `http://127.0.0.1:${await port(http.createServer((request, response) => (request.url === '/endless' ? endless : answer)(request, response)))}`,
  https: `https://127.0.0.1:${await port(https.createServer({ cert, key }, answer))}`,
  http2: `http://127.0.0.1:${await port(http2.createServer(answer))}`,
  agent: new http.Agent({ keepAlive: true }),
  refusing: 1,
}
writeFileSync(world.file, 'text')
const unix = net.createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(world.path)
await once(unix, 'listening')
const udp = dgram.createSocket('udp4').bind(0, '127.0.0.1')
await once(udp, 'listening')
world.udp = udp.address().port
// An agent that had a socket before: what takes it again opened nothing.
await new Promise((resolve) => http.get(world.http, { agent: world.agent }, (response) => response.resume().on('end', resolve)))
spawnSync(process.execPath, ['-e', ''])

const snippets = await import(pathToFileURL(file))
const leaks = await findLeaks(() => snippets[name](world))
const found = leaks.map(({ kind, site }) => `${kind} ${site ? `${basename(site.file)}:${site.line}` : '(no line)'}`)
writeFileSync(1, `\n@@${JSON.stringify(found)}\n`)
process.exit(0)
