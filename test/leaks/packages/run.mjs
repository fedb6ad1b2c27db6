// node run.mjs [PACKAGE ...]: runs each program in a process of its own, and compares what was reported with what its lines say.
// `//! kind kind` ends a line that leaks, once for each handle; `kind:package` where that package is named, and no line of ours,
// since it opens the handle of its own accord later on. A program without such a line must be clean.
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { absentProgram, SERVER_NAMES, startRealServer } from './servers.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const wanted = process.argv.slice(2)
const all = readdirSync(`${here}programs`).filter((file) => wanted.length === 0 || wanted.includes(basename(file, '.mjs')))
const absent = Object.fromEntries(SERVER_NAMES.flatMap((name) => (absentProgram(name) ? [[name, absentProgram(name)]] : [])))

const skipped = []
const programs = all.flatMap((file) => {
  const text = readFileSync(`${here}programs/${file}`, 'utf8')
  const missing = absent[needOf(text)]
  if (missing) skipped.push(`${basename(file, '.mjs')} (no ${missing})`)
  return missing ? [] : programsOf(file, text)
})
const needed = new Set(programs.flatMap(({ need }) => need ?? []))
const servers = Object.fromEntries(await Promise.all([...needed].map(async (name) => [name, await startRealServer(name)])))
const env = {
  ...process.env,
  NETGRACE_SERVERS: JSON.stringify(Object.fromEntries(Object.entries(servers).map(([name, { port }]) => [name, port]))),
}

let different = 0
try {
  const left = [...programs]
  const worker = async () => {
    for (let program = left.shift(); program; program = left.shift()) await check(program)
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
} finally {
  await Promise.all(Object.values(servers).map(({ stop }) => stop()))
}
const leaking = programs.filter(({ leaks }) => leaks.length > 0).length
for (const one of skipped) console.log(`skipped  ${one}`)
console.log(
  `Node ${process.version}: ${programs.length} programs of ${new Set(programs.map(({ file }) => file)).size} packages, ${leaking} that leak and ${programs.length - leaking} that do not: ${different === 0 ? 'each report as it should be' : `${different} not as they should be`}`,
)
process.exitCode = different === 0 && programs.length > 0 ? 0 : 1

async function check({ file, name, leaks }) {
  const { byScope, byTime } = await run(file, name)
  const wrong = [differences('by scope', leaks, byScope), differences('by time', leaks, byTime)].filter(Boolean)
  if (wrong.length === 0) return
  different++
  console.log(`differs  ${basename(file, '.mjs')}  ${name}\n${wrong.join('\n')}`)
}

async function run(file, name) {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [`${here}run-one.mjs`, `${here}programs/${file}`, name], {
      env,
      timeout: 60_000,
    })
    if (process.env.NETGRACE_VERBOSE) console.log(`${name}\n${stderr}`)
    return JSON.parse(/^@@(.*)$/m.exec(stdout)[1])
  } catch (error) {
    const what = [`(${error.killed ? 'no end after 60 s' : 'failed'}: ${error.stderr ?? error})`]
    return { byScope: what, byTime: what }
  }
}

function differences(how, expected, found) {
  const [should, is] = [inOrder(expected), inOrder(found)]
  return should === is ? '' : `         expected ${should || 'nothing'}\n${how.padStart(11)} found ${is || 'nothing'}`
}

function inOrder(leaks) {
  return leaks.map(String).toSorted().join(', ')
}

function programsOf(file, text) {
  const found = []
  for (const [n, line] of text.split('\n').entries()) {
    const name = /^export (?:async )?function (\w+)/.exec(line)?.[1]
    if (name !== undefined) found.push({ file, name, need: needOf(text), leaks: [] })
    const kinds = /\/\/! (.+)$/.exec(line)?.[1]?.split(' ') ?? []
    found.at(-1)?.leaks.push(...kinds.map((kind) => (kind.includes(':') ? kind.replace(':', ' in ') : `${kind} ${file}:${n + 1}`)))
  }
  return found
}

/** `// needs: redis` */
function needOf(text) {
  return /^\/\/ needs: (\w+)$/m.exec(text)?.[1]
}
