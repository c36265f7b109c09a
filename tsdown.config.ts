import { defineConfig } from 'tsdown'

const shared = { format: 'esm', platform: 'node', target: 'node20.19', outDir: 'dist', fixedExtension: false } as const

export default defineConfig([
  {
    ...shared,
    // Pure JavaScript goes into the bundle, a chunk for each lazy import: starting takes a third of the time.
    // ssh2 stays outside, for its optional native parts, and so does SQLite, which is one.
    name: 'cli',
    entry: { cli: 'src/cli/main.ts' },
    deps: { alwaysBundle: /./, neverBundle: ['ssh2', '@photostructure/sqlite'], onlyBundle: false },
    dts: false,
  },
  { ...shared, name: 'library', entry: { index: 'src/index.ts' }, dts: true },
])
