import type { LeakSite } from '../model/leak.ts'
import type { Birth } from './birth.ts'
import { framesOf, type Frame } from '../timeline/frames.ts'
import { ownerOf } from './handle.ts'
import { isListener } from './kinds.ts'
import type { Stack } from '../timeline/stack.ts'
import { firstHandle, listeningOf } from './registry.ts'

/** Who opened a handle. */
export interface Opener {
  readonly site?: LeakSite
  readonly onBehalfOf?: LeakSite
  /** The frame of the package that opened it, where that was not the user's code. */
  readonly package?: Frame
  /** The frame of a queue that called the user's code, perhaps in the context of whoever came first. */
  readonly queue?: Frame
  /** From `site` outwards, without Node, the runner and ourselves. */
  readonly frames: readonly Frame[]
}

/** Packages that run one caller's work from within the callbacks of another: queues, batchers and pools. */
const QUEUES = new Set(['async', 'better-queue', 'bottleneck', 'dataloader', 'fastq', 'generic-pool', 'p-queue', 'queue', 'tarn'])

const found = new WeakMap<Birth, Opener>()

/** Who opened it, by the first of its stacks that has a line of the user's. */
export function openerOf(birth: Birth): Opener {
  let opener = found.get(birth)
  if (!opener) {
    opener = find(birth)
    found.set(birth, opener)
  }
  return opener
}

/** The innermost frame outside of Node: whose act it was. `undefined` where the kernel or Node alone did it. */
export function actorOf(birth: Birth): Frame | undefined {
  return framesOf(birth.stack).find(({ whose }) => whose !== 'node')
}

function find(birth: Birth): Opener {
  const stacks = stacksOf(birth).map(framesOf)
  const actor = actorOf(birth)
  const opened = actor?.whose === 'package' ? { package: actor } : {}
  if (stacks[0] && isAtImport(stacks[0])) return { site: actor!, ...opened, ...asker(birth, stacks), frames: stacks[0].filter(isTold) }
  const queue = stacks.flat().find((frame) => frame.whose === 'package' && QUEUES.has(frame.package!.name))
  const queued = queue ? { queue } : {}
  for (const frames of stacks) {
    const user = frames.filter(({ whose }) => whose === 'user')
    const [site] = user
    if (!site) continue
    const outermost = user.findLast(({ file }) => file !== site.file)
    return {
      site,
      ...(outermost && { onBehalfOf: outermost }),
      ...opened,
      ...queued,
      frames: frames.slice(frames.indexOf(site)).filter(isTold),
    }
  }
  const foreign = stacks.flat().find(({ whose }) => whose === 'package')
  return {
    ...(foreign && { site: foreign, package: foreign }),
    ...asker(birth),
    ...opened,
    ...queued,
    frames: (stacks[0] ?? []).filter(isTold),
  }
}

/** What a package opens while its module is evaluated is the package's, for the life of the process: no line that imports it can help it. */
function isAtImport(frames: readonly Frame[]): boolean {
  if (frames.find(({ whose }) => whose !== 'node' && whose !== 'ours')?.whose !== 'package') return false
  const innermost = frames.findIndex(({ whose }) => whose === 'user')
  return frames.slice(0, innermost === -1 ? undefined : innermost).some(isLoader)
}

/** Node's loaders, and the runners' own. */
function isLoader({ file, function: name }: Frame): boolean {
  return (
    /^node:internal\/modules\/(?:cjs\/loader|esm\/)/.test(file) ||
    /(?:^|\.)(?:runInlinedModule|runExternalModule|requireModule|_loadModule)$/.test(name)
  )
}

/** Where the scope was asked for, or what imported the module. */
function asker(birth: Birth, stacks: readonly (readonly Frame[])[] = []): Pick<Opener, 'onBehalfOf'> {
  const asked = [...stacks.flat(), ...framesOf(birth.scope?.asked)].find(({ whose }) => whose === 'user')
  return asked ? { onBehalfOf: asked } : {}
}

function isTold({ whose }: Frame): boolean {
  return whose === 'user' || whose === 'package'
}

/** All that can lead to the user's line, the nearest first. */
function stacksOf(birth: Birth): readonly Stack[] {
  const owner = ownerOf(birth.handle)
  const first = owner && firstHandle(owner)
  const listening = isListener(birth.type) ? listeningOf(birth).call : undefined
  const own = [birth.stack, first?.stack, listening, birth.origin].filter((stack) => stack !== undefined)
  return birth.via ? [...own, ...stacksOf(birth.via)] : own
}
