import { messageOf } from '../lifetime/throw-all.ts'
import { isError } from '../model/brand.ts'
import { describeEnding } from '../model/describe-ending.ts'
import { ENDING_KINDS, type Ending, type EndingKind } from '../model/ending.ts'
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

/** An error may be its own cause, and one that a callback threw may be anything: so deep it is followed, and so broad. */
const DEEPEST = 8
const BROADEST = 100

const REST = ['errno', 'syscall', 'address', 'port'] as const

/** Takes what is plain in it, and only that. Throws for no error, whatever it holds. */
export function plainError(error: Error): PlainError {
  return taken(error, [])
}

/** @param above  the errors that led to this one */
function taken(error: object, above: readonly object[]): PlainError {
  const name = read(error, 'name')
  const stack = read(error, 'stack')
  const code = read(error, 'code')
  const below = [...above, error]
  const next = (member: unknown): PlainError | undefined =>
    isError(member) && !below.includes(member) && below.length < DEEPEST ? taken(member, below) : undefined
  const ending = plainEndingOf(read(error, 'ending'), next)
  const cause = next(read(error, 'cause'))
  const errors = read(error, 'errors')
  const rest = Object.fromEntries(REST.map((key) => [key, read(error, key)] as const).filter(([, value]) => isScalar(value)))
  return {
    name: typeof name === 'string' ? name : 'Error',
    message: messageOf(error),
    ...(typeof stack === 'string' && { stack }),
    ...(typeof code === 'string' && { code }),
    ...(ending && { ending }),
    ...(cause && { cause }),
    ...(Array.isArray(errors) && {
      errors: errors
        .slice(0, BROADEST)
        .map(next)
        .filter((member) => member !== undefined),
    }),
    ...(Object.keys(rest).length > 0 && { rest }),
  }
}

export function plainEnding({ cause, ...ending }: Ending): PlainEnding {
  return { ...ending, ...(cause && { cause: plainError(cause) }) }
}

/** What an error calls its ending, if it is one. */
function plainEndingOf(ending: unknown, next: (cause: unknown) => PlainError | undefined): PlainEnding | undefined {
  if (typeof ending !== 'object' || ending === null) return undefined
  const kind = read(ending, 'kind')
  if (!(ENDING_KINDS as readonly unknown[]).includes(kind)) return undefined
  const cause = next(read(ending, 'cause'))
  const numbers = ['bytesRead', 'bytesWritten', 'durationMs'].map((key) => [key, Number(read(ending, key)) || 0] as const)
  return {
    kind: kind as EndingKind,
    by: read(ending, 'by') === 'peer' ? 'peer' : 'local',
    phase: read(ending, 'phase') === 'connecting' ? 'connecting' : 'open',
    certain: read(ending, 'certain') !== false,
    ...(Object.fromEntries(numbers) as Record<'bytesRead' | 'bytesWritten' | 'durationMs', number>),
    ...(cause && { cause }),
  }
}

/** A property of something that may throw when it is looked at. */
function read(thing: object, key: string): unknown {
  try {
    return (thing as Readonly<Record<string, unknown>>)[key]
  } catch {
    return undefined
  }
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number'
}

export function realEnding({ cause, ...ending }: PlainEnding): Ending {
  return { ...ending, ...(cause && { cause: realError(cause) }) }
}

/** The error as itself: of its class, with its code, ending and cause. */
export function realError(plain: PlainError): Error {
  const error = revived(plain)
  if (plain.stack !== undefined) error.stack = plain.stack
  if (error.name !== plain.name) hidden(error, 'name', plain.name)
  return Object.assign(error, plain.rest)
}

/** Of the class that it had, where it is one of ours or Node's and has what that needs; an `Error` of the same name else. */
function revived({ name, message, code, ending, cause: plainCause, errors }: PlainError): Error {
  const cause = plainCause && realError(plainCause)
  if (name === 'ConnectError' && ending) return new ConnectError(message, realEnding(ending))
  if (name === 'ConnectionEndedError' && ending) return new ConnectionEndedError(message, realEnding(ending))
  if (name === 'NetgraceError' && code !== undefined) return new NetgraceError(code as NetgraceErrorCode, message, { cause })
  const options = cause && { cause }
  const error =
    name === 'AggregateError'
      ? new AggregateError(errors?.map(realError) ?? [], message, options)
      : new (BUILT_IN[name] ?? Error)(message, options)
  return Object.assign(error, code !== undefined && { code }, ending && { ending: realEnding(ending) })
}

const BUILT_IN: Readonly<Record<string, ErrorConstructor>> = { Error, RangeError, TypeError }

/** As an error has its own name and stack: not among its keys. */
function hidden(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, writable: true, configurable: true, enumerable: false })
}

/** The ending of a client whose thread or process is gone without having said how. */
export function crashedEnding(what: string, durationMs: number): Ending {
  const cause = new NetgraceError('ERR_NETGRACE_SPAWN', `${what}; how its connection ended is for the other side to tell`)
  return { kind: 'error', by: 'local', phase: 'open', certain: true, bytesRead: 0, bytesWritten: 0, durationMs, cause }
}

export function endedError(what: string, ending: Ending): ConnectionEndedError {
  return new ConnectionEndedError(`${what}: ${describeEnding(ending)}`, ending)
}
