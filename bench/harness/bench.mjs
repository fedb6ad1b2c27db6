import { cpus, loadavg } from 'node:os'
import { pathToFileURL } from 'node:url'

import { settings } from './settings.mjs'

/** Runs a bench and prints its tables as RESULTS.md has them. A bench is a title and `run`, which resolves to tables of rows. */
export async function print({ name, title, run }) {
  const before = loadavg()[0]
  const tables = await run(settings)
  const { rounds, ms } = settings
  console.log(`\n## ${title}\n`)
  console.log(
    `\`node bench/run.mjs ${name} --rounds ${rounds} --ms ${ms}\`, Node ${process.versions.node}, ${cpus().length} cores, load before ${before.toFixed(2)}\n`,
  )
  for (const rows of tables) printTable(rows)
}

/** For the foot of a bench's file: prints it if that file is what was started. */
export async function printIfMain(url, bench) {
  if (url === pathToFileURL(process.argv[1]).href) await print(bench)
}

/** A target and whether a figure keeps it, for a row's last two columns. */
export function against(figure, target) {
  const [, sign, bound] = /^([≥≤]) ([\d.]+)/.exec(target)
  return { target, holds: (sign === '≥' ? figure >= bound : figure <= bound) ? 'yes' : '**no**' }
}

function printTable(rows) {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  console.log(`| ${columns.join(' | ')} |`)
  console.log(`|${columns.map(() => '---').join('|')}|`)
  for (const row of rows) console.log(`| ${columns.map((column) => row[column] ?? '').join(' | ')} |`)
  console.log()
}
