import { plainError } from '../scenario/plain-error.ts'

/** Tells what happened: in words for people, or as facts for machines. */
export type Tell = (event: string, facts: object, ...words: readonly string[]) => void

/** Lines of words, or an object of JSON a line. */
export function tellOn(stream: NodeJS.WritableStream, json: boolean): Tell {
  if (json) return (event, facts) => void stream.write(`${asJson({ event, ...facts })}\n`)
  return (_event, _facts, ...words) => void (words.length > 0 && stream.write(`${words.join('\n')}\n`))
}

/** Errors would be empty objects. */
export function asJson(value: object, indent?: number): string {
  return JSON.stringify(value, (_key, member: unknown) => (member instanceof Error ? plainError(member) : member), indent)
}

/** Lines are broken for a terminal; a file or a pipe is for programs that search, and terminals that break lines themselves. */
export function widthOf(stream: NodeJS.WriteStream): number {
  return stream.isTTY ? stream.columns : Infinity
}

/** See {@link widthOf}: of stdout. */
export function sheetWidth(): number {
  return widthOf(process.stdout)
}
