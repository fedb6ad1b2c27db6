/** What the rules of the house say of the import lines of `src`: the checker, apart from its test, so that it can be shown to fail. */

export interface ImportLine {
  readonly specifier: string
  /** `import type`, `export type`: gone when the code runs. `import { type A }` is not: the module is loaded all the same. */
  readonly typeOnly: boolean
}

/** Rooms on one line do not know each other; a room knows the lines before its own. */
const LINES = [
  ['model'],
  ['timeline'],
  ['lifetime'],
  ['wire', 'faults'],
  ['server', 'client', 'proxy', 'leaks'],
  ['spawn'],
  ['scenario'],
  ['rig', 'sweep'],
  ['cli'],
  ['(doors)'],
] as const

const DOORS: ReadonlySet<string> = new Set([
  'index.ts',
  'leaks.ts',
  'vitest.ts',
  'setup.ts',
  'reporter.ts',
  'node-test.ts',
  'jest.ts',
  'mocha.ts',
])

/** Where a module's values may be imported: a file, or a folder with its slash. */
const HOMES: Readonly<Record<string, readonly string[]>> = {
  net: ['wire/'],
  tls: ['wire/'],
  dgram: ['wire/'],
  http: ['server/supervise/'],
  https: ['server/supervise/'],
  http2: ['server/supervise/'],
  worker_threads: ['spawn/'],
  child_process: ['spawn/'],
  async_hooks: ['leaks/trace.ts'],
  diagnostics_channel: ['leaks/trace.ts'],
  'p-event': ['lifetime/wait.ts'],
}

const VITEST_DOORS: ReadonlySet<string> = new Set(['vitest.ts', 'setup.ts', 'reporter.ts'])

/** Every module that a source names: `import`, `export … from`, `import(…)`, `require(…)`. */
export function importsOf(source: string): ImportLine[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1')
  const found: ImportLine[] = []
  for (const [, type, specifier] of code.matchAll(
    /^[ \t]*(?:import|export)\b(\s+type\b(?!\s+from\b))?[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  )) {
    found.push({ specifier: specifier!, typeOnly: type !== undefined })
  }
  for (const [, specifier] of code.matchAll(/^[ \t]*import\s*['"]([^'"]+)['"]/gm)) found.push({ specifier: specifier!, typeOnly: false })
  for (const [, specifier] of code.matchAll(/\b(?:import|require)\(\s*['"]([^'"]+)['"]/g))
    found.push({ specifier: specifier!, typeOnly: false })
  return found
}

/** What is wrong with the import lines of `files` (path under `src` → source), a sentence each. `packages` may be imported by name. */
export function wrongImports(files: Readonly<Record<string, string>>, packages: readonly string[]): string[] {
  const wrong: string[] = []
  const graph = new Map<string, string[]>()
  for (const [file, source] of Object.entries(files)) {
    const own: string[] = []
    graph.set(file, own)
    if (lineOf(file) < 0) wrong.push(`${file}: stands in no room of the house`)
    for (const line of importsOf(source)) {
      if (line.specifier.startsWith('.')) {
        const to = new URL(line.specifier, `file:///${file}`).pathname.slice(1)
        own.push(to)
        wrong.push(...wrongDirection(file, to, to in files))
      } else wrong.push(...wrongModule(file, line, packages))
    }
  }
  return [...wrong, ...circles(graph)]
}

function wrongDirection(file: string, to: string, exists: boolean): string[] {
  if (!exists) return [`${file}: imports ${to}, which is not there`]
  if (roomOf(file) === roomOf(to)) return []
  const [own, other] = [lineOf(file), lineOf(to)]
  if (own === other) return [`${file}: imports ${to}, which stands on the same line`]
  return other > own ? [`${file}: imports ${to}, which stands above it`] : []
}

function wrongModule(file: string, { specifier, typeOnly }: ImportLine, packages: readonly string[]): string[] {
  if (specifier === 'vitest' || specifier.startsWith('vitest/')) {
    return VITEST_DOORS.has(file) ? [] : [`${file}: imports ${specifier}, which only its own doors may`]
  }
  const homes = HOMES[specifier.replace(/^node:/, '')]
  if (homes && !typeOnly && !homes.some((home) => (home.endsWith('/') ? file.startsWith(home) : file === home))) {
    return [`${file}: imports values of ${specifier}, which only ${homes.join(', ')} may`]
  }
  if (specifier.startsWith('node:') || packages.includes(specifier)) return []
  return [`${file}: imports ${specifier}, which is neither node: nor a dependency`]
}

/** Each circle once, by the names of its files. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found = new Set<string>()
  const done = new Set<string>()
  const walk = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) found.add([...path.slice(path.indexOf(file)), file].join(' → '))
    if (path.includes(file) || done.has(file)) return
    for (const to of graph.get(file) ?? []) walk(to, [...path, file])
    done.add(file)
  }
  for (const file of graph.keys()) walk(file, [])
  return [...found].map((circle) => `a circle: ${circle}`)
}

function roomOf(file: string): string {
  return file.includes('/') ? file.split('/')[0]! : DOORS.has(file) ? '(doors)' : file
}

function lineOf(file: string): number {
  return LINES.findIndex((rooms) => (rooms as readonly string[]).includes(roomOf(file)))
}
