import type { PlainError } from './plain-error.ts'

/** What goes to a thread or a process of ours. */
export type Down =
  | { readonly call: number; readonly method: string; readonly args: readonly unknown[]; readonly withinMs?: number | undefined }
  | { readonly giveUp: number }

/** What comes from it. */
export type Up =
  | { readonly answer: number; readonly value: unknown }
  | { readonly answer: number; readonly error: PlainError }
  | { readonly event: string; readonly value: unknown }
