const { failOnLeaks } = await import(new URL('vitest.js', process.env.NETGRACE_BUILD))

failOnLeaks({ at: 'test' })
