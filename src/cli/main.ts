#!/usr/bin/env node
import { CommanderError } from 'commander'

import { isError } from '../model/brand.ts'
import { fitted } from './layout.ts'
import { stderr, stdout } from './output.ts'
import { program } from './program.ts'

const FAILED = 1
const WRONG_ARGUMENTS = 2

// A reader that has seen enough (`| head`) is no failure; the run goes on to its end, and its exit code counts.
for (const output of [stdout, stderr]) {
  output.onFailure(({ code, message }) => {
    if (code === 'EPIPE') return
    process.exitCode = FAILED
    say(`${output.name} cannot be written to: ${message}`)
  })
}

// Only `exitCode` is set, never `process.exit()` called: a handle that is left keeps the process, and is seen.
try {
  const netgrace = program((exitCode) => {
    process.exitCode ||= exitCode
  })
  if (process.argv.length <= 2) netgrace.error('error: no command given: see netgrace --help', { exitCode: WRONG_ARGUMENTS })
  await netgrace.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode ||= error.exitCode === 0 ? 0 : WRONG_ARGUMENTS
  } else {
    say(isError(error) ? error.message : String(error))
    process.exitCode = FAILED
  }
}

function say(text: string): void {
  stderr.print(fitted(`netgrace: ${text}\n`, stderr.columns))
}
