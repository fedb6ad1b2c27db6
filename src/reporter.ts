/** For `reporters: ['default', 'netgrace/reporter']` of Vitest and Jest: one table at the end of the run, of what outlived its test file, grouped by line. */
export { LeakReporter as default } from './leaks/suite/leak-reporter.ts'
