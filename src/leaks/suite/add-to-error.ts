/**
 * A test that has failed gets no second error: what it left open is added to its own. Runners print the message, or the stack,
 * which repeats it.
 *
 * @returns  Whether that was possible. A frozen error stays as it is.
 */
export function addToError(error: { message: string; stack?: string }, text: string): boolean {
  try {
    const { message, stack } = error
    error.message = `${message}\n\nnetgrace: ${text}\n`
    if (stack?.includes(message)) error.stack = stack.replace(message, () => error.message)
    return true
  } catch {
    return false
  }
}
