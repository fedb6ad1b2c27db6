import { stripVTControlCharacters } from 'node:util'

/** How many columns it takes: colours take none. */
export function widthOf(text: string): number {
  return stripVTControlCharacters(text).length
}

/** Lines of aligned columns, two spaces apart: those named in `left` to the left, all others to the right. */
export function columns(rows: readonly (readonly string[])[], left: readonly number[] = []): string[] {
  const widths: number[] = []
  for (const row of rows) for (const [n, cell] of row.entries()) widths[n] = Math.max(widths[n] ?? 0, widthOf(cell))
  return rows.map((row) =>
    row
      .map((cell, n) => {
        const padding = ' '.repeat(widths[n]! - widthOf(cell))
        return left.includes(n) ? cell + padding : padding + cell
      })
      .join('  ')
      .trimEnd(),
  )
}

/** `label` and its text, broken at spaces so that no line is longer than `width`; what follows stands below the text. */
export function labelled(label: string, text: string, width: number): string[] {
  const indent = widthOf(label)
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const full = line !== '' && indent + widthOf(line) + 1 + widthOf(word) > width
    if (full) lines.push(line)
    line = line === '' || full ? word : `${line} ${word}`
  }
  return [...lines, line].map((part, n) => (n === 0 ? label : ' '.repeat(indent)) + part)
}

/** A text whose lines are no longer than `width`: what must be broken goes on below where it began, or below a list's second column. */
export function fitted(text: string, width: number): string {
  return text
    .split('\n')
    .flatMap((line) => {
      const [label] = /^ *(?:\S+(?: \S+)* {2,})?/.exec(line)!
      return widthOf(line) > width ? labelled(label, line.slice(label.length), width) : [line]
    })
    .join('\n')
}

/** `#1–#4, #7` */
export function ranges(ids: readonly number[]): string {
  const runs: [first: number, last: number][] = []
  for (const id of ids) {
    const run = runs.at(-1)
    if (run?.[1] === id - 1) run[1] = id
    else runs.push([id, id])
  }
  return runs.map(([first, last]) => (first === last ? `#${first}` : `#${first}–#${last}`)).join(', ')
}
