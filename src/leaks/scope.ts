import type { Birth, Home } from './birth.ts'
import type { Stack } from '../timeline/stack.ts'

/**
 * What was opened from one async context on, and is not known to have closed.
 *
 * Invariants: a birth stands in its own scope and in all outer ones, or in none once it has closed. A scope goes on
 * collecting after it has been checked: what a test opens after its time-out belongs to that test.
 */
export class Scope implements Home {
  readonly name: string | undefined
  readonly outer: Scope | undefined
  /** Where the scope was asked for. */
  readonly asked: Stack | undefined
  readonly births = new Set<Birth>()

  constructor(name: string | undefined, outer?: Scope, asked?: Stack) {
    this.name = name
    this.outer = outer
    this.asked = asked
  }

  add(birth: Birth): void {
    this.births.add(birth)
    this.outer?.add(birth)
  }

  delete(birth: Birth): void {
    this.births.delete(birth)
    this.outer?.delete(birth)
  }

  /** The innermost name that somebody gave. */
  get title(): string | undefined {
    return this.name ?? this.outer?.title
  }
}
