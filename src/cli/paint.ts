import { styleText } from 'node:util'

const ESC = '\u001B'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

/** Puts a text into a style, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string

/** What a {@link Style} begins and ends with, caught for `split`. */
export const OWN_STYLES: RegExp = new RegExp(`(${ESC}\\[(?:1|2|22|31|32|33|39)m)`)

/** Colours are for a terminal, and never with NO_COLOR. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  const { NO_COLOR, TERM } = process.env
  if (!stream.isTTY || NO_COLOR || TERM === 'dumb') return (_style, text) => text
  return (style, text) => styleText(style, text, { validateStream: false }) // it would ask about stdout, whichever stream this is
}
