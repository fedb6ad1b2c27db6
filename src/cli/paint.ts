import { styleText } from 'node:util'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

/** Puts a text into a style, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string

/** Colours are for a terminal, and for nobody who has set NO_COLOR. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  const { NO_COLOR, TERM } = process.env
  if (!stream.isTTY || NO_COLOR || TERM === 'dumb') return (_style, text) => text
  return (style, text) => styleText(style, text, { validateStream: false }) // it would ask about stdout, whichever stream this is
}
