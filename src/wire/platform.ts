import { Socket } from 'node:net'

const [major = 0, minor = 0] = process.versions.uv.split('.').map(Number)

/**
 * libuv below 1.52 (Node 20 and 22) may report a reset right behind data as a clean end: the read that took the last
 * data makes up an end of its own when the poll said "hung up" (test/platform/reset-behind-data.test.ts).
 */
export const resetMayReadAsEnd: boolean = major === 1 && minor < 52

/** With so long between the last write and the reset, it never does. */
export const RESET_GAP_MS = 5

/** Whether `setKeepAlive` takes an interval and a count: Node 20 and 22 would ignore them without a word. */
export const keepAliveCanBeTuned: boolean = Socket.prototype.setKeepAlive.length >= 4
