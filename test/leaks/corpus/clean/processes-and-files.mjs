// Odd on purpose.
/* oxlint-disable */
import { exec, execFile, fork, spawn, spawnSync } from 'node:child_process'
import { randomBytes, scrypt } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import fsp from 'node:fs/promises'
import readline from 'node:readline'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { BroadcastChannel, MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import zlib from 'node:zlib'

export async function aChildThatExits() {
  await once(spawn(process.execPath, ['-e', 'console.log(1)']), 'exit')
}

export async function childrenThatAreKilledAndNotAwaited() {
  spawn('sleep', ['5']).kill()
  const abort = new AbortController()
  spawn('sleep', ['5'], { signal: abort.signal }).on('error', () => {})
  abort.abort()
  exec('sleep 5', { timeout: 20 }, () => {})
}

export async function aChildThatWasNeverBorn() {
  await new Promise((resolve) => spawn('/nowhere/at/all').on('error', resolve))
}

export async function aForkThatDisconnects({ folder }) {
  fs.writeFileSync(`${folder}/child.cjs`, 'process.send("up"); process.disconnect()')
  const child = fork(`${folder}/child.cjs`)
  await once(child, 'exit')
}

export async function childrenThatAreAwaited() {
  spawnSync(process.execPath, ['-e', ''])
  await promisify(execFile)(process.execPath, ['-e', ''])
}

export async function aWorkerThatIsTerminatedAndNotAwaited() {
  const worker = new Worker('setInterval(() => {}, 1000)', { eval: true })
  await once(worker, 'online')
  void worker.terminate()
}

export async function aWorkerThatEnds() {
  const worker = new Worker('require("node:worker_threads").parentPort.postMessage(1)', { eval: true, stdout: true })
  await once(worker, 'message')
}

export async function aWorkerThatCrashes() {
  await new Promise((resolve) => new Worker('throw new Error("crash")', { eval: true }).on('error', resolve))
}

export async function aPortThatIsSentAway({ keep }) {
  const { port1, port2 } = keep(new MessageChannel())
  const worker = new Worker('require("node:worker_threads").workerData.close()', { eval: true, workerData: port1, transferList: [port1] })
  port2.on('message', () => {})
  await once(worker, 'exit')
}

export async function portsThatNobodyListensTo({ keep }) {
  const { port1, port2 } = keep(new MessageChannel())
  port1.postMessage(structuredClone({ a: 1 }))
  receiveMessageOnPort(port2)
}

export async function portsThatAreClosed() {
  const { port1, port2 } = new MessageChannel()
  port1.on('message', () => port1.close())
  port2.postMessage(1)
  const channel = new BroadcastChannel('corpus')
  channel.onmessage = () => {}
  channel.close()
}

export async function watchersThatAreClosed({ folder, file }) {
  const abort = new AbortController()
  const changes = fsp.watch(folder, { signal: abort.signal })
  const waiting = changes[Symbol.asyncIterator]()
    .next()
    .catch(() => {})
  fs.watch(folder, { recursive: true }).close()
  fs.watch(folder, { signal: abort.signal })
  fs.watchFile(file, () => {})
  fs.unwatchFile(file)
  abort.abort()
  await waiting
}

export async function filesThatAreRead({ file, folder }) {
  await fsp.readFile(file)
  await fsp.writeFile(`${folder}/copy`, fs.createReadStream(file))
  await pipeline(fs.createReadStream(file), zlib.createGzip(), fs.createWriteStream(`${folder}/zip`))
  fs.createReadStream(file).destroy()
  for await (const _ of await fsp.opendir(folder)) void _
}

export async function filesThatAreClosed({ file }) {
  const handles = await Promise.all(Array.from({ length: 300 }, () => fsp.open(file)))
  await Promise.all(handles.map((handle) => handle.close()))
}

export async function aFileWhoseStreamClosesIt({ file }) {
  const handle = await fsp.open(file)
  for await (const line of handle.readLines()) void line
}

export async function aFileReadInTheBackground({ file }) {
  void fsp.readFile(file)
  void fsp.open(file).then((handle) => handle.close())
}

export async function theProcessesOwnStreams() {
  console.log('to stdout')
  console.error('to stderr')
  process.stdin.on('data', () => {})
  process.stdin.pause()
  readline.createInterface({ input: process.stdin }).close()
}

export async function workInTheThreadPool() {
  await promisify(zlib.gzip)('text')
  zlib.createGunzip().on('error', () => {})
  await promisify(randomBytes)(8)
  await promisify(scrypt)('a', 'b', 8)
  await crypto.subtle.digest('SHA-256', new Uint8Array(8))
}

export async function blobsAndWebStreams() {
  await new Blob(['text']).text()
  const compressed = new Blob(['text']).stream().pipeThrough(new CompressionStream('gzip'))
  await new Response(compressed).arrayBuffer()
  new ReadableStream({ pull() {} }).getReader()
}
