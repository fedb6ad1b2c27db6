import type { LeakOptions } from '../model/leak.ts'
import { holdRawFiles } from './raw-files.ts'
import { holdTracer } from './trace.ts'

/** Keeps on what these options need, until the returned function is called. */
export function hold({ files = false }: LeakOptions): () => void {
  const releases = [holdTracer(), ...(files ? [holdRawFiles()] : [])]
  return () => {
    for (const release of releases.toReversed()) release()
  }
}
