import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'

/**
 * Keeps a process on the last core, if this system has `taskset`. Server and load on one core work strictly in turn, so a
 * figure is their work and not how the scheduler wakes two cores, which moves it by a factor of three.
 */
export function pin(pid) {
  try {
    execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', String(cpus().length - 1), String(pid)], { stdio: 'ignore' })
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
}
