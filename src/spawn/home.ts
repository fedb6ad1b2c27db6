import { fileURLToPath } from 'node:url'

/** The folder of the package: what stands before the last `src` or `dist` in the path of this module, bundled or not. */
const HOME = import.meta.url.replace(/^(.*\/)(?:src|dist)\/.*$/, '$1')

/** The built file of an entry, for Node 20 cannot load a `.ts` thread or child; under Vitest, too, it is the built one that runs. */
export function entryFile(name: 'spawn/client-entry' | 'scenario/entry'): string {
  return fileURLToPath(`${HOME}dist/${name}.js`)
}
