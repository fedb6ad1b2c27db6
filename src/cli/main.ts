#!/usr/bin/env node
import { CommanderError } from 'commander'

import { fitted } from './layout.ts'
import { program } from './program.ts'
import { widthOf } from './tell.ts'

const WRONG_ARGUMENTS = 2

// A reader that has seen enough (`| head`) is no failure; the run goes on to its end, and its exit code counts.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

// Only `exitCode` is set, never `process.exit()` called: a handle that is left keeps the process, and is seen.
try {
  const netgrace = program((exitCode) => {
    process.exitCode = exitCode
  })
  if (process.argv.length <= 2) netgrace.error('error: no command given: see netgrace --help', { exitCode: WRONG_ARGUMENTS })
  await netgrace.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : WRONG_ARGUMENTS
  } else {
    process.stderr.write(fitted(`netgrace: ${error instanceof Error ? error.message : String(error)}\n`, widthOf(process.stderr)))
    process.exitCode = 1
  }
}
