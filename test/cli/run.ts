/** Runs the built command line as a person would: as a program, in a terminal too. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { onTestFinished } from 'vitest'

import { SAME_MS } from '../../src/cli/interrupts.ts'

export const MAIN: string = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface Run {
  readonly child: ChildProcess
  stdout: string
  stderr: string
  /** Resolves once the program has printed a match on either stream. Rejects if it ends before. */
  printed(pattern: RegExp): Promise<void>
  /** The exit code, or the signal that killed it, once all output is there. */
  readonly ended: Promise<number | NodeJS.Signals>
}

/** `netgrace ARGS`, with pipes instead of a terminal. */
export function netgrace(args: string, env: NodeJS.ProcessEnv = {}): Run {
  return watch(spawn(process.execPath, [MAIN, ...args.split(' ').filter(Boolean)], { env: { ...plainEnv(), ...env } }))
}

/** As {@link netgrace}, with what a shell makes of the line: redirections, pipes. */
export function inShell(line: (netgrace: string) => string): Run {
  return watch(spawn('sh', ['-c', line(`'${process.execPath}' '${MAIN}'`)], { env: plainEnv() }))
}

/** The same in a pseudo terminal, where both streams are one; what is written to `child.stdin` is typed. */
export function inTerminal(args: string, columns = 80, env: NodeJS.ProcessEnv = {}): Run {
  const command = `stty cols ${columns} rows ${columns && 50}; exec '${process.execPath}' '${MAIN}' ${args}`
  return watch(spawn('script', ['-qec', command, '/dev/null'], { env: { ...plainEnv(), TERM: 'xterm-256color', ...env } }))
}

/** Resolves when the signal that the program has just answered would be another one, and no longer the same Ctrl-C. */
export function anotherPress(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SAME_MS + 10))
}

/** util-linux has it; the `script` of macOS takes other arguments. */
export const hasTerminal: boolean = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false

/** What a terminal is sent to empty the line that the cursor stands in. */
export const CLEAR_LINE = '\u001B[2K'

/** What is on the screen in the end, for a program that redraws nothing but its last line. */
export function screen(output: string): string[] {
  return output.split('\n').map((line) => line.replace(/\r$/, '').split(CLEAR_LINE).at(-1)!)
}

/** Without what the terminal of whoever runs the tests says about colours. */
function plainEnv(): NodeJS.ProcessEnv {
  const { NO_COLOR: _no, FORCE_COLOR: _force, NODE_OPTIONS: _options, ...env } = process.env
  return env
}

function watch(child: ChildProcess): Run {
  const waiting = new Set<() => void>()
  const run: Run = {
    child,
    stdout: '',
    stderr: '',
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!pattern.test(run.stdout + run.stderr)) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
        void run.ended.then(() => reject(new Error(`ended without printing ${pattern}:\n${run.stdout}${run.stderr}`)))
      }),
    ended: once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals),
  }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8').on('data', (text: string) => {
      run[name] += text
      for (const look of waiting) look()
    })
  }
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await run.ended
  })
  return run
}
