const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** What a timer can hold. */
const LONGEST_MS = 2 ** 31 - 1

/** `500ms`, `3s`, `1.5m` as milliseconds; nothing if it is no duration, or one too long for a timer. */
export function parseDuration(text: string): number | undefined {
  const parts = /^(?<number>\d+(?:\.\d+)?)(?<unit>ms|s|m|h)$/.exec(text)?.groups
  const ms = text === '0' ? 0 : Number(parts?.['number']) * (UNITS[parts?.['unit'] ?? ''] ?? NaN)
  return ms <= LONGEST_MS ? ms : undefined
}

/** What {@link parseMs} takes, for messages. */
export const MS_ALLOWED = 'a time such as 100ms or 3s, or a number of milliseconds'

/** As {@link parseDuration}; a bare number is one of milliseconds, for what is called so. */
export function parseMs(text: string): number | undefined {
  return parseDuration(/^\d+(\.\d+)?$/.test(text) ? `${text}ms` : text)
}

/** Milliseconds for people, to three digits: `0.12 ms`, `47.1 ms`, `318 ms`, `12.4 s`. */
export function formatMs(ms: number): string {
  if (ms >= 9_999.5) return `${digits(ms / 1000)} s`
  return Number.isNaN(ms) ? '–' : `${digits(ms)} ms`
}

/** A number to three digits, and no fewer before the point. */
export function digits(value: number): string {
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)
}

const BYTE_UNITS = ['kB', 'MB', 'GB', 'TB']

/** Bytes for people, to three digits: `512 B`, `15.2 kB`, `47.1 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 10_000) return `${Math.round(bytes)} B`
  let unit = 0
  let value = bytes / 1000
  for (; value >= 999.5 && unit < BYTE_UNITS.length - 1; unit++) value /= 1000
  return `${digits(value)} ${BYTE_UNITS[unit]}`
}
