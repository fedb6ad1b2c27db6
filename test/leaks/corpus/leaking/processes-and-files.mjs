// Odd on purpose.
/* oxlint-disable */
import { exec, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import fsp from 'node:fs/promises'
import { BroadcastChannel, MessageChannel, Worker } from 'node:worker_threads'

export function aChild({ keep }) {
  keep(spawn('sleep', ['2'])) //! child-process
}

export function aChildOfAShell({ keep }) {
  keep(exec('sleep 2')) //! child-process
}

export async function aForkedChildWithItsChannel({ keep, folder }) {
  fs.writeFileSync(`${folder}/child.cjs`, 'process.on("message", () => {}); process.send("up"); setTimeout(() => process.exit(), 2000)')
  const child = keep(fork(`${folder}/child.cjs`)) //! child-process
  await once(child, 'message')
}

export function aDetachedChildThatIsUnref({ keep }) {
  const child = spawn('sleep', ['2'], { detached: true, stdio: 'ignore' }) //! child-process
  child.unref()
  keep(child)
}

export async function thePipeOfAnExitedChild({ keep }) {
  const child = spawn('sh', ['-c', 'sleep 2 & exit 0']) //! pipe pipe
  keep(child)
  await once(child, 'exit')
}

export async function aWorker({ keep }) {
  const worker = keep(new Worker('setInterval(() => {}, 1000)', { eval: true })) //! worker
  await once(worker, 'online')
}

export async function aWorkerThatIsUnref({ keep }) {
  const worker = new Worker('require("node:worker_threads").parentPort.on("message", () => {})', { eval: true }) //! worker
  await once(worker, 'online')
  worker.unref()
  keep(worker)
}

export function aPortWithAListener() {
  const { port1 } = new MessageChannel() //! message-port
  port1.on('message', () => {})
}

export function aPortWithAListenerThatIsUnref({ keep }) {
  const { port1 } = keep(new MessageChannel()) //! message-port
  port1.on('message', () => {})
  port1.unref()
}

export function aBroadcastChannel({ keep }) {
  const channel = keep(new BroadcastChannel('corpus')) //! message-port
  channel.onmessage = () => {}
}

export function aWatcher({ folder }) {
  fs.watch(folder) //! fs-watcher
}

export function aRecursiveWatcher({ folder }) {
  fs.mkdirSync(`${folder}/a/b`, { recursive: true })
  fs.writeFileSync(`${folder}/a/b/c`, '')
  fs.watch(folder, { recursive: true }) //! fs-watcher
}

export function aWatchedFile({ file }) {
  fs.watchFile(file, () => {}) //! fs-watcher
}

export async function aWatcherOfPromises({ folder }) {
  const changes = fsp.watch(folder)
  void changes[Symbol.asyncIterator]().next() //! fs-watcher
}

export async function aFileHandle({ file }) {
  await fsp.open(file) //! file
}

export async function oneOfTwoFilesOpenedAtOnce({ file }) {
  const first = fsp.open(file)
  const second = fsp.open(file, 'r+') //! file
  const missing = fsp.open(`${file}.missing`).catch(() => {})
  const third = fsp.open(file)
  await (await first).close()
  await missing
  await second
  await (await third).close()
}

export async function aFileWhoseStreamDoesNotCloseIt({ file }) {
  const handle = await fsp.open(file) //! file
  await once(handle.createReadStream({ autoClose: false }).resume(), 'end')
}
