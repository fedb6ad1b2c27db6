/** The leak part alone: it loads nothing of servers and clients. */
export { assertNoLeaks, findLeaks } from './leaks/find.ts'
export { LeakError } from './leaks/leak-error.ts'
export { watchLeaks } from './leaks/watch.ts'
export type { AssertNoLeaksOptions, FoundLeaks, Leak, LeakFilter, LeakKind, LeakOptions, LeakSite, LeakWatch } from './model/leak.ts'
