import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { watch } from 'chokidar'

export async function closed({ folder }) {
  mkdirSync(`${folder}/sub`)
  const watcher = watch(folder)
  await once(watcher, 'ready')
  const seen = once(watcher, 'add')
  writeFileSync(`${folder}/sub/file`, 'text')
  await seen
  // It reads no folder twice a second, and by a timer that `close()` does not clear.
  await delay(1100)
  await watcher.close()
}

export async function closedWithinASecond({ folder }) {
  const watcher = watch(folder) //! timer:chokidar
  await once(watcher, 'ready')
  const seen = once(watcher, 'add')
  writeFileSync(`${folder}/file`, 'text')
  await seen
  await watcher.close()
}

export async function closedThatPolled({ folder }) {
  writeFileSync(`${folder}/file`, 'text')
  const watcher = watch(folder, { usePolling: true, interval: 10, awaitWriteFinish: true })
  await once(watcher, 'ready')
  await watcher.close()
}

export async function left({ folder }) {
  mkdirSync(`${folder}/sub`)
  const watcher = watch(folder) //! fs-watcher:chokidar fs-watcher:chokidar
  await once(watcher, 'ready')
}

export async function leftPolling({ folder }) {
  const watcher = watch(folder, { usePolling: true }) //! fs-watcher:chokidar
  await once(watcher, 'ready')
}
