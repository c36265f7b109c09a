// Installs what package-lock.json names where it is missing or stale, then runs a command with it. Plain Node: it runs
// before anything is installed. `node test/with-deps.mjs tsx test/demo/demo.ts`
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import { argv, env, execPath, stderr, versions } from 'node:process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Leaves node_modules as package-lock.json wants it, or throws a sentence. */
export function ensureDependencies() {
  const [major = 0, minor = 0] = versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19))
    throw new Error(`ctfleet needs Node 20.19 or newer, this is ${versions.node}.`)
  if (installedAsLocked()) return
  stderr.write('Installing the dependencies that package-lock.json names: npm ci\n')
  const npm = env.npm_execpath?.endsWith('.js') ? [execPath, env.npm_execpath] : ['npm']
  const [program = 'npm', ...first] = npm
  const { status, error } = spawnSync(program, [...first, 'ci'], { cwd: root, stdio: ['ignore', 2, 2] })
  if (error !== undefined) throw new Error(`npm could not be started: ${error.message}`)
  if (status !== 0) throw new Error('npm ci failed; its words are above.')
}

/** Runs a program of node_modules/.bin (or of PATH) in the root of the repository and resolves to its exit code. */
export function run(program, args, more = {}) {
  const PATH = join(root, 'node_modules', '.bin') + delimiter + (env.PATH ?? '')
  const child = spawn(program, args, { cwd: root, stdio: 'inherit', env: { ...env, PATH, ...more } })
  // Ctrl-C reaches the child by itself, as it is in the same process group: only wait for it to end.
  const wait = () => {}
  const forward = () => child.kill('SIGTERM')
  process.on('SIGINT', wait).on('SIGTERM', forward)
  return new Promise((resolve) => {
    child.on('error', (error) => {
      stderr.write(`${program} could not be started: ${error.message}\n`)
      resolve(127)
    })
    child.on('close', (code, signal) => {
      process.off('SIGINT', wait).off('SIGTERM', forward)
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
}

/** Compares with npm's own note of what it installed; packages for other machines are optional and may be absent. */
function installedAsLocked() {
  const wanted = packagesIn('package-lock.json')
  const installed = packagesIn('node_modules/.package-lock.json')
  if (Object.keys(wanted).length === 0) return false
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    const found = installed[path]
    if (path === '' || (found === undefined && optional)) return true
    return found?.version === version && found?.integrity === integrity
  })
}

function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages
  } catch {
    return {}
  }
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const [program, ...args] = argv.slice(2)
  try {
    if (program === undefined) throw new Error('Usage: node test/with-deps.mjs <program> [arguments]')
    ensureDependencies()
    process.exitCode = await run(program, args)
  } catch (error) {
    stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}
