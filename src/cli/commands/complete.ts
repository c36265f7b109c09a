import { statSync } from 'node:fs'
import { homedir } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { inventoryPath, loadInventory } from '../../inventory/inventory.ts'
import { namesIn, STRATEGY_NAMES, standardFolders } from '../../playbook/folders.ts'
import { recentIds } from '../../store/recent-ids.ts'
import { stateDirectory } from '../../store/state-directory.ts'
import type { Command } from '../commander.ts'
import { candidatesAt } from '../completion/candidates.ts'
import { type Place, placeOf } from '../completion/place.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import type { Terminal } from '../terminal.ts'

/** How long somebody who pressed Tab is kept waiting for names of hosts, ms. */
const PATIENCE = 1000
/** Bytes of an inventory that is read in that time. */
const MOST = 1024 * 1024

/**
 * Prints what can stand at the cursor, a line each, behind a tab what it means; `:files` where the shell is to add names of files.
 * Contacts nobody, runs no program that an inventory may be, and is silent about whatever is wrong.
 * @param typed the shell, then what is typed behind the program's name, the last word being the one at the cursor
 */
export async function completeCommand(
  program: Command,
  [shell, ...typed]: readonly string[],
  { printText }: Terminal,
): Promise<ExitCode> {
  const { words, cut } = shell === 'bash' ? joined(typed) : { words: typed, cut: 0 }
  const place = placeOf(program, words)
  const { candidates, files } = await candidatesAt(place, {
    hosts: async () => await Promise.race([hostsOf(place).catch(() => []), pause(PATIENCE, [])]),
    playbooks: () => {
      const { own } = standardFolders()
      return [...STRATEGY_NAMES, ...namesIn(own)]
    },
    ids: async (of) => await Promise.race([recentIds(stateDirectory(process.env, homedir()), of), pause(PATIENCE, [])]),
  })
  const lines = candidates.map(({ word, means }) => (means === '' ? word.slice(cut) : `${word.slice(cut)}\t${means}`))
  printText([...lines, ...(files ? [':files'] : [])].map((line) => `${line}\n`).join(''))
  return EXIT.asWanted
}

/**
 * Bash takes words apart at `=` and `:`, and wants only the last part back. What is typed between spaces is put together again.
 * @returns `cut`: characters of the last word that bash has already
 */
function joined(typed: readonly string[]): { readonly words: readonly string[]; readonly cut: number } {
  const words: string[] = []
  let cut = 0
  let glue = false
  for (const word of typed) {
    const isBreak = /^[=:]+$/.test(word)
    const goesOn = words.length > 0 && (isBreak || glue)
    cut = goesOn ? (words.at(-1) ?? '').length + (isBreak ? word.length : 0) : 0
    if (goesOn) words.push((words.pop() ?? '') + word)
    else words.push(word)
    glue = isBreak
  }
  return { words, cut }
}

/** Hosts and groups of the inventory that is typed, or that would be taken; none where reading it takes a program or long. */
async function hostsOf({ given, words, command }: Place): Promise<readonly string[]> {
  const isFirst = command.registeredArguments[0]?.name().split('|').includes('inventory') === true
  const named = given.get('inventory') ?? given.get('fromHosts') ?? (isFirst ? words[0] : undefined)
  const path = inventoryPath(named, process.env)
  if (!path.includes(',')) {
    const { size, mode } = statSync(path)
    if (!statSync(path).isFile() || size > MOST || (mode & 0o111) !== 0) return []
  }
  const { groups, hosts } = await loadInventory(path)
  return [...groups.map(({ name }) => name), ...hosts.map(({ name }) => name)]
}
