import { isRegExp } from '../model/brand.ts'
import { wrongType, wrongValue } from '../model/invalid.ts'
import { LEAK_KINDS, type AssertNoLeaksOptions, type LeakFilter, type LeakOptions } from '../model/leak.ts'
import { boolean, checkOptions, duration, oneOf, string, type Rule, type Rules } from '../model/options.ts'

export const DEFAULT_WITHIN_MS = 250

const kind: Rule = oneOf(...LEAK_KINDS)

const file: Rule = (name, value) => {
  if (!isRegExp(value)) string(name, value)
}

const filterRules: Rules<Exclude<LeakFilter, (...args: never[]) => unknown>> = { kind, file, package: string, unref: boolean }

const filter: Rule = (name, value) => {
  if (typeof value === 'function') return
  checkOptions(value as object, filterRules, name)
  if (Object.keys(value as object).length === 0)
    throw wrongValue(name, 'a function, or one or more of kind, file, package and unref', value)
}

export const leakRules: Rules<LeakOptions> = { withinMs: duration, kinds: listOf(kind), ignore: listOf(filter), files: boolean }

export const assertRules: Rules<AssertNoLeaksOptions> = { ...leakRules, orphans: oneOf('allow', 'fail') }

function listOf(rule: Rule): Rule {
  return (name, value) => {
    if (!Array.isArray(value)) throw wrongType(name, 'an array', value)
    for (const [n, item] of value.entries()) rule(`${name}[${n}]`, item)
  }
}
