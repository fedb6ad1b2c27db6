import { isError } from '../model/brand.ts'
import { visible } from '../model/visible.ts'
import { plainError } from '../scenario/plain-error.ts'
import { stdout, type Output } from './output.ts'

/** Tells what happened: in words for people, or as facts for machines. */
export type Tell = (event: string, facts: object, ...words: readonly string[]) => void

/** Lines of words, or an object of JSON a line. */
export function tellOn(output: Output, json: boolean): Tell {
  if (json) return (event, facts) => output.print(`${asJson({ event, ...facts })}\n`)
  return (_event, _facts, ...words) => void (words.length > 0 && output.print(`${words.join('\n')}\n`))
}

/** Errors would be empty objects. What a terminal would obey is escaped, also where JSON does not ask for it. */
export function asJson(value: object, indent?: number): string {
  return visible(JSON.stringify(value, (_key, member: unknown) => (isError(member) ? plainError(member) : member), indent))
}

/** How wide a text on stdout may be. */
export function sheetWidth(): number {
  return stdout.columns
}
