/** A test that has failed gets no second error: its own is told what it left open. Runners print the message, or the stack, which repeats it. */
export function addToError(error: { message: string; stack?: string }, text: string): void {
  const { message, stack } = error
  error.message = `${message}\n\nnetgrace: ${text}\n`
  if (stack?.includes(message)) error.stack = stack.replace(message, () => error.message)
}
