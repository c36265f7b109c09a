import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InputError } from '../../src/input/complaint.ts'
import { type Inventory, loadInventory, parseInventory } from '../../src/inventory/inventory.ts'
import { selectHosts } from '../../src/inventory/select-hosts.ts'
import { listJson } from '../../src/report/json/inventory.ts'
import { graphText } from '../../src/report/text/inventory.ts'
import { patternCase } from '../inventory/random-pattern.ts'
import { must } from '../lab/command.ts'
import { fetchAnsible } from '../support/ansible.ts'

/** One process answers for all inventories: starting Python and Ansible is what takes time. */
const ASK = `
import json, sys
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.utils.display import Display
Display.warning = lambda *words, **more: None
answers = []
for file, limits in json.load(sys.stdin):
    manager = InventoryManager(loader=DataLoader(), sources=[file])
    of_file = []
    for limit in limits:
        try:
            manager.subset(limit)
            of_file.append([host.name for host in manager.get_hosts('all')])
        except Exception as error:
            of_file.append(str(error))
    answers.append(of_file)
json.dump(answers, sys.stdout)
`

test('what --limit names is what Ansible has it name, over random inventories and patterns', async (context) => {
  const its = await fetchAnsible()
  if ('why' in its) return context.skip(its.why)
  const cases = fc.sample(patternCase, { numRuns: 40, seed: 7 })
  const dir = await mkdtemp(join(tmpdir(), 'ctfleet-patterns-'))
  try {
    const asked = await Promise.all(
      cases.map(async ({ inventory, limits }, at) => {
        const file = join(dir, `${at}.yaml`)
        await writeFile(file, inventory)
        return [file, limits] as const
      }),
    )
    const answers: (readonly string[] | string)[][] = JSON.parse(
      await must(['/usr/bin/python3', '-c', ASK], { env: its.env, input: JSON.stringify(asked), timeoutSeconds: 60 }),
    )
    let [equal, refused] = [0, 0]
    for (const [at, { inventory, limits }] of cases.entries()) {
      const ours = parseInventory(inventory, 'inventory.yaml', { cwd: '/', home: '/root' })
      for (const [index, limit] of limits.entries()) {
        const theirs = answers[at]?.[index] ?? 'nothing'
        const named = namesOf(() => selectHosts(ours, limit).map(({ name }) => name))
        const about = `--limit ${limit} of\n${inventory}`
        // Where a part names nothing Ansible warns and goes on; ctfleet asks what was meant.
        if (typeof named !== 'string') expect(sorted(named), about).toEqual(sorted(theirs))
        else if (/leaves no host/.test(named)) expect(theirs, about).toEqual([])
        else if (/fewer hosts/.test(named)) expect(theirs, about).toMatch(/No hosts matched the subscripted pattern/)
        else expect(named, about).toMatch(/no host or group of inventory.yaml matches/)
        if (typeof named === 'string') refused++
        else equal++
      }
    }
    console.log(`${equal} patterns name the same hosts; ${refused} name nothing in part or in all, and are refused`)
    expect(equal).toBeGreaterThan(refused)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})

const LISTED = [
  'ini/hosts',
  'ini/plain',
  'yaml/fleet.yml',
  'yaml/no-extension',
  'precedence',
  'directory',
  'two-a/hosts',
]

test('ctfleet inventory --list and --graph print what ansible-inventory prints, but for secrets', async (context) => {
  const its = await fetchAnsible()
  if ('why' in its) return context.skip(its.why)
  const files = LISTED.map((name) => resolve('test/cases/inventories', name))
  // Ansible also reads group_vars of the directory that it is called in.
  const ask = ['sh', '-c', 'cd / && exec /usr/bin/python3 "$0"', resolve('test/inventory/list-inventories.py')]
  const input = files.map((file) => `${JSON.stringify({ sources: [file], vault: null })}\n`).join('')
  const answers = (await must(ask, { env: its.env, input, timeoutSeconds: 60 })).trim().split('\n')
  for (const [at, file] of files.entries()) {
    const shown = shownWhole(await loadInventory(file))
    const { list }: { list: List } = JSON.parse(answers[at] ?? '{}')
    expect(listJson(shown, true), file).toEqual(withoutSecrets(list, listJson(shown, true)))
    expect(graphText(shown, true), file).toEqual(drawn('all', list, 0))
  }
})

type List = { readonly [group: string]: { readonly hosts?: readonly string[]; readonly children?: readonly string[] } }

function shownWhole(inventory: Inventory) {
  const chosen = new Set([...inventory.hosts, ...inventory.setAside].map(({ name }) => name))
  return { inventory, chosen, ways: [], wrong: [], notes: [] }
}

/** Their value, hidden wherever ours is, and without the mark on text that is no template. */
function withoutSecrets(theirs: unknown, ours: unknown): unknown {
  if (ours === '(hidden)') return ours
  if (typeof theirs !== 'object' || theirs === null || Array.isArray(theirs)) return theirs
  if ('__ansible_unsafe' in theirs) return theirs.__ansible_unsafe
  const own: { readonly [key: string]: unknown } = typeof ours === 'object' && ours !== null ? { ...ours } : {}
  return Object.fromEntries(Object.entries(theirs).map(([key, value]) => [key, withoutSecrets(value, own[key])]))
}

/** As `_graph_group` of ansible-inventory does it, from what it lists; empty groups are not listed, and drawn all the same. */
function drawn(group: string, list: List, depth: number): readonly string[] {
  const { children = [], hosts = [] } = list[group] ?? {}
  const line = (name: string, deep: number) => `${'  |'.repeat(deep)}${deep === 0 ? '' : '--'}${name}`
  return [
    line(`@${group}:`, depth),
    ...children.flatMap((child) => drawn(child, list, depth + 1)),
    ...hosts.map((host) => line(host, depth + 1)),
  ]
}

/** What Ansible refused is a sentence, and equal to no list. */
function sorted(names: readonly string[] | string): readonly string[] | string {
  return typeof names === 'string' ? names : names.toSorted()
}

function namesOf(choose: () => readonly string[]): readonly string[] | string {
  try {
    return choose()
  } catch (error) {
    if (error instanceof InputError) return error.message
    throw error
  }
}
