import { formatStack, type Stack } from '../timeline/stack.ts'

/**
 * Stands for one async context: what is opened from there on bears it.
 *
 * A scope goes on after it has been checked: what a test opens after its time-out belongs to that test.
 */
export class Scope {
  readonly name: string | undefined
  readonly outer: Scope | undefined
  /** Where the scope was asked for. */
  readonly asked: Stack | undefined

  constructor(name: string | undefined, outer?: Scope, asked?: Stack) {
    this.name = name
    this.outer = outer
    this.asked = asked
    if (asked) formatStack(asked) // a scope may live as long as the process
  }

  /** The innermost name that somebody gave. */
  get title(): string | undefined {
    return this.name ?? this.outer?.title
  }

  /** Whether it is that one, or within it. */
  isWithin(scope: Scope): boolean {
    return this === scope || this.outer?.isWithin(scope) === true
  }
}
