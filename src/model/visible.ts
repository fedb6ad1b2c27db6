/**
 * Characters that a terminal obeys, or shows as nothing: controls (C0, DEL, C1), format characters (bidirectional, zero
 * width, tags), the Unicode separators of lines and paragraphs, lone surrogates. Newline and tab are left as they are.
 */
const UNSEEN = /[^\P{Cc}\n\t]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** Text of a peer as it can be printed anywhere: what a terminal would obey is written as JSON writes it, `\u001b`. */
export function visible(text: string): string {
  return text.replaceAll(UNSEEN, escaped)
}

/** Text of a peer within a message: in double quotes, on one line. It is JSON. */
export function quoted(text: string): string {
  return visible(JSON.stringify(text))
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')
}
