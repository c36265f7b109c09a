import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { counted } from '../../diagnosis/numbers.ts'
import { packageFolder } from '../../input/package-folder.ts'
import { plainReason } from '../../input/system-error.ts'
import { readTextFile } from '../../input/text-file.ts'
import { type Inventory, loadInventory } from '../../inventory/inventory.ts'
import { visible } from '../../report/format.ts'
import { listed } from '../../report/text/listed.ts'
import { quote } from '../../shell/script.ts'
import { inventoryFrom } from '../begun-from.ts'
import { fromExample, fromPolicyExample, inventoryOf, listedHosts, typedHosts } from '../begun-inventory.ts'
import { complainAbout } from '../checks.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import type { Terminal } from '../terminal.ts'

/** Where ctfleet looks for it by itself. */
const USUAL = 'inventory.yaml'
const USUAL_POLICY = 'policy.yaml'

export type InitWords = { readonly policy: boolean; readonly from?: string | undefined }

/**
 * Begins an inventory: of the hosts that are named, of those of another inventory or of a list, or the example with its comments; or
 * the example of a policy. Asks nothing, contacts nobody.
 * @param words hosts, and the file, which is what ends in .yaml or .yml
 * @throws InputError for a file that is there already, which is left as it is
 */
export async function initCommand(
  words: readonly string[],
  { policy, from }: InitWords,
  terminal: Terminal,
): Promise<ExitCode> {
  const [file = policy ? USUAL_POLICY : USUAL, another] = words.filter(isFile)
  if (another !== undefined)
    throw complainAbout(
      'init',
      `two files are named: ${file} and ${another}`,
      `name one to be written; to read one: ctfleet init --from ${quote(file)} ${quote(another)}`,
    )
  const hosts = words.filter((word) => !isFile(word))
  if (policy && from !== undefined) throw complainAbout('--from', 'a policy names no hosts', 'leave one of the two out')
  if (from !== undefined && hosts.length > 0)
    throw complainAbout('--from', `hosts are named beside it: ${hosts.join(' ')}`, 'take them from one of the two')
  if (!policy) return await beginInventory(file, from === undefined ? begunOf(hosts) : await begunFrom(from), terminal)
  if (hosts.length > 0)
    throw complainAbout('--policy', 'a policy names no hosts', 'begin each by itself: ctfleet init web-1')
  writeNew(file, fromPolicyExample(shippedText('policy.example.yaml'), join(packageFolder(), 'schemas')))
  terminal.print([visible(`${file}: a policy to be edited; until then it judges as none does`)])
  terminal.say(['', 'Next:', `  ctfleet audit --policy ${quote(file)}`])
  return EXIT.asWanted
}

type Begun = { readonly text: string; readonly isExample: boolean; readonly remarks: readonly string[] }

function begunOf(words: readonly string[]): Begun {
  const there = words.find((word) => existsSync(word))
  if (there !== undefined && /[./]/.test(there))
    throw complainAbout('init', `${there} is a file`, `to take its hosts: ctfleet init --from ${quote(there)}`)
  const typed = typedHosts(words)
  return typed.length === 0
    ? { text: fromExample(shippedText('inventory.example.yaml')), isExample: true, remarks: [] }
    : { text: inventoryOf(typed), isExample: false, remarks: [] }
}

/** A list of hosts as they are typed, or whatever Ansible reads as an inventory. */
async function begunFrom(source: string): Promise<Begun> {
  const path = source === '-' ? '/dev/stdin' : source
  const list = source === '-' || isPlainFile(path) ? readTextFile(path) : null
  const typed = list === null ? null : listedHosts(list)
  if (typed !== null) return { text: inventoryOf(typed), isExample: false, remarks: [] }
  if (source === '-')
    throw complainAbout('--from', 'what stdin says is no list of hosts', 'one host a line: web-1, ops@db-1:2222')
  const inventory = await loadInventory(source)
  if (inventory.hosts.length === 0)
    throw complainAbout(source, 'no host of it can be reached', `see why: ctfleet inventory -i ${quote(source)}`)
  const { text, secrets } = inventoryFrom(inventory)
  const aside = inventory.setAside.map(({ name }) => name)
  return {
    text,
    isExample: false,
    remarks: [
      ...inventory.notes,
      ...(secrets === 0 ? [] : [`${source}: passwords were not taken over; ctfleet plan -k -K asks for them`]),
      ...(aside.length === 0
        ? []
        : [`left out, see ctfleet inventory -i ${quote(source)} for why: ${listed(aside, 5)}`]),
    ],
  }
}

/** Neither a program nor a directory, and no variables beside it, which are Ansible's to read. */
function isPlainFile(path: string): boolean {
  // What cannot be looked at is told by whoever reads it.
  const found = existsSync(path) ? statSync(path) : undefined
  const beside = ['group_vars', 'host_vars'].some((name) => existsSync(join(dirname(path), name)))
  return found?.isFile() === true && (found.mode & 0o111) === 0 && !beside
}

async function beginInventory(
  file: string,
  { text, isExample, remarks }: Begun,
  { print, say }: Terminal,
): Promise<ExitCode> {
  writeNew(file, text)
  const { hosts } = await readBack(file)
  const named = file === USUAL ? '' : ` -i ${quote(file)}`
  const [first] = hosts
  const many = counted(hosts.length, 'host', 'hosts')
  print([visible(`${file}: ${many}${isExample ? ', all of them made up' : ''}`)])
  say([
    ...remarks.map(visible),
    '',
    ...(isExample ? ['Put your own hosts in place of these, then:'] : ['Next:']),
    `  ctfleet inventory${named}`,
    ...(first === undefined || isExample ? [] : [`  ctfleet doctor${named} --limit ${quote(first.name)}`]),
    `  ctfleet plan${named}`,
  ])
  return EXIT.asWanted
}

/** A range that holds nothing is found here; what was just written is of no use then. */
async function readBack(file: string): Promise<Inventory> {
  try {
    return await loadInventory(file)
  } catch (error) {
    rmSync(file)
    throw error
  }
}

function shippedText(name: string): string {
  return readFileSync(join(packageFolder(), name), 'utf8')
}

function isFile(word: string): boolean {
  return /\.ya?ml$/.test(word)
}

/** Whatever is there stays, a link that leads nowhere among it. */
function writeNew(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: 'wx' })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST')
      throw complainAbout(file, 'is there already, and was left as it is', 'name another file: ctfleet init hosts.yaml')
    if (code === 'ENOENT')
      throw complainAbout(file, 'cannot be written: there is no such directory', `mkdir -p ${quote(dirname(file))}`)
    throw complainAbout(file, `cannot be written: ${plainReason(error)}`, 'name another file: ctfleet init hosts.yaml')
  }
}
