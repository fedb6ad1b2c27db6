/**
 * A text as it may stand in a message: the password of each URL in it is `***`, and so is that of a query or of an object's key.
 * What cannot be parsed is taken apart by its first `:` and its last `@`.
 */
export function withoutPassword(text: string): string {
  return text
    .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s:/@'"]*):[^'"\n]*@/gi, '$1:***@')
    .replace(/(^|["'])([^\s:/@'"]+):[^/\s'"][^'"\n]*@/g, '$1$2:***@')
    .replace(/\b(password|passwd|pwd|pass)=[^&;#\s'"]*/gi, '$1=***')
    .replace(/\b(password|passwd|pwd|pass|auth): (?:'[^']*'|"[^"]*"|`[^`]*`)/gi, "$1: '***'")
}
