import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    ms: { type: 'string', default: '1000' },
    library: { type: 'string', default: new URL('../../dist/index.js', import.meta.url).pathname },
  },
})

/** How often each variant is measured, how long one measurement takes where that can be chosen, and which build of netgrace it is. */
export const settings = { rounds: Number(values.rounds), ms: Number(values.ms), library: values.library }

/** What was asked for by name. */
export const names = positionals
