import { describeEnding } from '../model/describe-ending.ts'
import type { Ending } from '../model/ending.ts'
import { ConnectError, ConnectionEndedError, NetgraceError, type NetgraceErrorCode } from '../model/errors.ts'

/** An error as it crosses to another thread or process: what a structured clone would lose is kept apart. */
export interface PlainError {
  readonly name: string
  readonly message: string
  readonly stack?: string
  readonly code?: string
  readonly ending?: PlainEnding
  readonly cause?: PlainError
  /** The members of an `AggregateError`: a name with several addresses fails with one. */
  readonly errors?: readonly PlainError[]
  readonly rest?: Readonly<Record<string, unknown>>
}

export interface PlainEnding extends Omit<Ending, 'cause'> {
  readonly cause?: PlainError
}

export function plainError(error: Error): PlainError {
  const { name, message, stack } = error
  const { code, ending, cause, errno, syscall, address, port } = error as Error & Record<string, unknown>
  return {
    name,
    message,
    ...(stack !== undefined && { stack }),
    ...(typeof code === 'string' && { code }),
    ...(ending !== undefined && { ending: plainEnding(ending as Ending) }),
    ...(cause instanceof Error && { cause: plainError(cause) }),
    ...(error instanceof AggregateError && { errors: error.errors.filter((member) => member instanceof Error).map(plainError) }),
    ...(errno !== undefined && { rest: { errno, syscall, address, port } }),
  }
}

export function plainEnding({ cause, ...ending }: Ending): PlainEnding {
  return { ...ending, ...(cause && { cause: plainError(cause) }) }
}

export function realEnding({ cause, ...ending }: PlainEnding): Ending {
  return { ...ending, ...(cause && { cause: realError(cause) }) }
}

/** The error as itself: of its class, with its code, ending and cause. */
export function realError(plain: PlainError): Error {
  const cause = plain.cause && realError(plain.cause)
  const error = revived(plain, plain.ending && realEnding(plain.ending), cause)
  if (plain.stack !== undefined) error.stack = plain.stack
  return Object.assign(error, plain.rest)
}

function revived({ name, message, code, errors }: PlainError, ending: Ending | undefined, cause: Error | undefined): Error {
  switch (name) {
    case 'ConnectError':
      return new ConnectError(message, ending!)
    case 'ConnectionEndedError':
      return new ConnectionEndedError(message, ending!)
    case 'NetgraceError':
      return new NetgraceError(code as NetgraceErrorCode, message, { cause })
    case 'AggregateError':
      return Object.assign(new AggregateError(errors?.map(realError) ?? [], message, { cause }), code !== undefined && { code })
    default:
      return Object.assign(new (BUILT_IN[name] ?? Error)(message, cause && { cause }), code !== undefined && { code })
  }
}

const BUILT_IN: Readonly<Record<string, ErrorConstructor>> = { Error, RangeError, TypeError }

/** The ending of a client whose thread or process is gone without having said how. */
export function crashedEnding(what: string, durationMs: number): Ending {
  const cause = new NetgraceError('ERR_NETGRACE_SPAWN', `${what}; how its connection ended is for the other side to tell`)
  return { kind: 'error', by: 'local', phase: 'open', certain: true, bytesRead: 0, bytesWritten: 0, durationMs, cause }
}

export function endedError(what: string, ending: Ending): ConnectionEndedError {
  return new ConnectionEndedError(`${what}: ${describeEnding(ending)}`, ending)
}
