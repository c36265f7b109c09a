import { mkdirSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'tsdown'

/**
 * Lays ctfleet out at a place as npm would install it, bundled as it is shipped: so it starts in a tenth of the time that its
 * source takes.
 * @returns the program.
 */
export async function installed(at: string): Promise<string> {
  mkdirSync(at)
  for (const name of ['package.json', 'node_modules', 'playbooks', 'inventory.example.yaml', 'policy.example.yaml'])
    symlinkSync(resolve(name), join(at, name))
  await build({ filter: /^cli$/, outDir: join(at, 'dist'), logLevel: 'silent' })
  return join(at, 'dist', 'cli.js')
}
