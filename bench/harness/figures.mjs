export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** `12.3 (11.9–12.8)`: the median and the range. */
export function spread(numbers, digits = 2) {
  const text = (number) => number.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  return `${text(median(numbers))} (${text(Math.min(...numbers))}–${text(Math.max(...numbers))})`
}

/**
 * Measures every variant once a round, each round beginning with another one, so that what else the machine does hits all alike.
 * Resolves to the results of each variant, by round.
 */
export async function alternate(variants, rounds, measure) {
  const results = new Map(variants.map((variant) => [variant, []]))
  for (let round = 0; round < rounds; round++) {
    for (let n = 0; n < variants.length; n++) {
      const variant = variants[(n + round) % variants.length]
      results.get(variant).push(await measure(variant))
    }
  }
  return results
}

/** `of` by `beside`, round by round. */
export function ratios(of, beside) {
  return of.map((value, round) => value / beside[round])
}
