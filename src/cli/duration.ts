const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** What a timer can hold. */
const LONGEST_MS = 2 ** 31 - 1

/** `500ms`, `3s`, `1.5m` as milliseconds; nothing if it is no duration, or one too long for a timer. */
export function parseDuration(text: string): number | undefined {
  const parts = /^(?<number>\d+(?:\.\d+)?)(?<unit>ms|s|m|h)$/.exec(text)?.groups
  const ms = text === '0' ? 0 : Number(parts?.['number']) * (UNITS[parts?.['unit'] ?? ''] ?? NaN)
  return ms <= LONGEST_MS ? ms : undefined
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
