import { isUtf8 } from 'node:buffer'

import { quoted as quotedText } from '../model/visible.ts'

/** So many bytes are shown of a message that is longer, from a little before the first that differs. */
const SHOWN = 60
const BEFORE = 20

/** How a reply differs from what was sent, in one clause: `came back as "PING\n", not "ping\n"`. */
export function difference(sent: Buffer, reply: Buffer): string {
  let at = 0
  while (at < sent.length && sent[at] === reply[at]) at++
  if (sent.length <= SHOWN && reply.length <= SHOWN) return `came back as ${quoted(reply)}, not ${quoted(sent)}`
  const from = Math.max(0, at - BEFORE)
  const part = (bytes: Buffer): string => quoted(bytes.subarray(from, from + SHOWN)) + (bytes.length > from + SHOWN ? '…' : '')
  return `came back different from byte ${at}: from byte ${from} as ${part(reply)}, not ${part(sent)}`
}

function quoted(bytes: Buffer): string {
  return isUtf8(bytes) ? quotedText(bytes.toString()) : `0x${bytes.toString('hex')}`
}
