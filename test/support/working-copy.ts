import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { must } from '../lab/command.ts'

/** What a clone of the work tree would hold if all of it were committed, at `to`. */
export async function workingCopy(to: string): Promise<void> {
  const listed = await must(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'])
  const files = listed.split('\0').filter((name) => name !== '')
  // One that was deleted, and that is not committed yet, is still in the list.
  for (const name of files.filter((each) => existsSync(each))) {
    mkdirSync(dirname(join(to, name)), { recursive: true })
    copyFileSync(name, join(to, name))
    chmodSync(join(to, name), statSync(name).mode)
  }
}

/**
 * Builds the package, packs it as npm publishes it, and lays it out in `dir/node_modules` as npm would install it, with this
 * work tree's dependencies: a file that is missing in the package is missing there.
 * @returns the files in the package.
 */
export async function packed(dir: string): Promise<readonly string[]> {
  const source = join(dir, 'source')
  await workingCopy(source)
  symlinkSync(resolve('node_modules'), join(source, 'node_modules'))
  const inSource = (words: string) => must(['sh', '-c', `cd "$1" && ${words}`, 'sh', source], { timeoutSeconds: 300 })
  await inSource('npm run build')
  const [{ filename, files }] = JSON.parse(await inSource('npm pack --json --ignore-scripts'))
  const modules = join(dir, 'node_modules')
  mkdirSync(join(modules, 'ctfleet'), { recursive: true })
  await must(['tar', '-xzf', join(source, filename), '-C', join(modules, 'ctfleet'), '--strip-components=1'])
  for (const name of readdirSync('node_modules')) {
    if (name !== 'ctfleet' && !name.startsWith('.')) symlinkSync(resolve('node_modules', name), join(modules, name))
  }
  return files.map(({ path }: { readonly path: string }) => path)
}
