import type { Scope } from '../scope.ts'
import { runIn } from '../trace.ts'

/** Vitest's `test`, as far as it makes others with fixtures. */
export interface Extendable {
  extend?: (...args: unknown[]) => unknown
}

type Fixture = (...args: unknown[]) => unknown

interface FixtureScopes {
  readonly file: Scope | undefined
  readonly worker: Scope
}

const extendable = new WeakSet<object>()

/**
 * From here on, fixtures of `test.extend` with `scope: 'file'` or `'worker'` are opened in these scopes, whichever test needs
 * them first. For all that is made of this `test` as well.
 *
 * Vitest 4.1 and 5 also take `extend(name, options, fixture)`.
 */
export function scopeFixtures(test: Extendable, scopes: FixtureScopes): void {
  const { extend } = test
  if (!extend || extendable.has(test)) return
  extendable.add(test)
  test.extend = function (...args) {
    const extended = Reflect.apply(extend, this, scopedArguments(args, scopes))
    if (typeof extended === 'function') scopeFixtures(extended as Extendable, scopes)
    return extended
  }
}

function scopedArguments([first, ...rest]: readonly unknown[], scopes: FixtureScopes): unknown[] {
  if (typeof first === 'string') return [first, ...scopedPair(rest.toReversed(), scopes).toReversed()]
  if (typeof first !== 'object' || first === null) return [first, ...rest]
  // each is read once: a member may be a getter
  const entries = Object.entries(first).map(([name, value]): [string, unknown] => [
    name,
    Array.isArray(value) ? scopedPair(value, scopes) : value,
  ])
  return [Object.fromEntries(entries), ...rest]
}

/** A fixture and its options. */
function scopedPair(pair: readonly unknown[], scopes: FixtureScopes): unknown[] {
  const [fixture, options, ...rest] = pair
  const scope = (options as { readonly scope?: unknown } | undefined)?.scope
  if (typeof fixture !== 'function' || (scope !== 'file' && scope !== 'worker')) return [...pair]
  return [scoped(fixture as Fixture, scopes[scope]), options, ...rest]
}

function scoped(fixture: Fixture, scope: Scope | undefined): Fixture {
  const inScope: Fixture = function (this: unknown, ...args) {
    return runIn(scope, () => Reflect.apply(fixture, this, args))
  }
  // Vitest reads from the text of the first parameter which fixtures are needed.
  return Object.defineProperty(inScope, 'toString', { value: () => fixture.toString() })
}
