import { bandwidth } from './bandwidth.ts'
import { blackhole } from './blackhole.ts'
import { connectLatency } from './connect-latency.ts'
import { corrupt } from './corrupt.ts'
import { drop } from './drop.ts'
import { duplicate } from './duplicate.ts'
import { end } from './end.ts'
import { latency } from './latency.ts'
import { loss } from './loss.ts'
import { refuse } from './refuse.ts'
import { reorder } from './reorder.ts'
import { reset } from './reset.ts'
import { slicer } from './slicer.ts'
import { slowClose } from './slow-close.ts'
import { stall } from './stall.ts'

/** What can go wrong on demand. A fault says what; where and when is said at `inject`. */
export const faults = {
  latency,
  loss,
  bandwidth,
  stall,
  blackhole,
  reset,
  end,
  slowClose,
  slicer,
  corrupt,
  /** TCP: of the dial. */
  connectLatency,
  /** TCP: of the listener. */
  refuse,
  /** UDP. */
  drop,
  /** UDP. */
  duplicate,
  /** UDP. */
  reorder,
} as const
