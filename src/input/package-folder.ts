import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of ctfleet's own package.json, seen from the source as from the bundle. */
export function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  for (;;) {
    const manifest = join(folder, 'package.json')
    if (existsSync(manifest) && /"name":\s*"ctfleet"/.test(readFileSync(manifest, 'utf8'))) return folder
    const above = dirname(folder)
    if (above === folder) throw new Error(`no package.json of ctfleet above ${fileURLToPath(import.meta.url)}`)
    folder = above
  }
}
