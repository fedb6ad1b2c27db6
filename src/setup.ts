/** For `setupFiles: ['netgrace/setup']` in vitest.config: fails each test file that leaves something open, by test and by line. */
import { failOnLeaks } from './vitest.ts'

failOnLeaks()
