import { readFileSync } from 'node:fs'

import { Command } from 'commander'

import { withoutPassword } from '../model/without-password.ts'
import { addClient } from './client-program.ts'
import { fitted } from './layout.ts'
import { addProxy } from './proxy-program.ts'
import { addScenario } from './scenario-program.ts'
import { addServer } from './server-program.ts'
import { stderr, stdout, USUAL_COLUMNS } from './output.ts'

/** The command line. `done` is given the exit code of the command that ran. */
export function program(done: (exitCode: number) => void): Command {
  const netgrace = new Command('netgrace')
    .description('The network fixture for Node test suites, by hand.')
    .version(version(), '-V, --version')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      getOutHelpWidth: () => (stdout.isTerminal ? stdout.columns : USUAL_COLUMNS),
      writeOut: (text) => stdout.print(fitted(text, stdout.columns)),
      writeErr: (text) => stderr.print(text),
      outputError: (text, write) => write(fitted(oneLine(text), stderr.columns)),
    })

  addScenario(netgrace, done)
  addServer(netgrace, done)
  addClient(netgrace, done)
  addProxy(netgrace, done)
  return netgrace
}

/** \`error: unknown option '--client'\\n(Did you mean --clients?)\` as one line that says who speaks, and without the password of a URL in it. */
function oneLine(text: string): string {
  const line = text
    .trim()
    .replace(/^error:/, 'netgrace:')
    .replaceAll(/\s*\n\s*/g, ' ')
  return `${withoutPassword(line)}\n`
}

function version(): string {
  const { version: own } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  return own
}
