import { existsSync, readdirSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { env } from 'node:process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InputError } from '../../src/input/complaint.ts'
import { jsonOf, type YamlNode } from '../../src/input/yaml-tree.ts'
import { collect } from '../../src/inventory/collect.ts'
import { loadInventory } from '../../src/inventory/inventory.ts'
import { hostsOf, mergerOf } from '../../src/inventory/precedence.ts'
import { canonicalJson, type Json } from '../../src/model/json.ts'
import { run } from '../lab/command.ts'
import { fetchAnsible } from '../support/ansible.ts'
import { madeUpInventory, oddIni } from './made-up.ts'

// What `ansible-inventory --list` prints is the measure: hosts, groups and every value of every host. Where ctfleet says with
// file and line that it does not read something, that is an answer too; another understanding is none.

type Case = { readonly sources: readonly string[]; readonly vault: string | null }
type Understood = {
  readonly groups: {
    readonly [name: string]: { readonly hosts: readonly string[]; readonly children: readonly string[] }
  }
  readonly values: { readonly [host: string]: Json }
}
type Answer =
  | { readonly failed: string }
  | { readonly unparsed: readonly string[]; readonly list: { readonly [group: string]: OfAnsible } }
type OfAnsible = {
  readonly hosts?: readonly string[]
  readonly children?: readonly string[]
  readonly hostvars?: { readonly [host: string]: Json }
}
type Verdict =
  | 'equal'
  | 'unsupported, with file and line'
  | 'no host to Ansible either'
  | 'not read by Ansible'
  | 'differs'

const alone = (source: string): Case => ({ sources: [source], vault: null })
/** Inventories of madeUpInventory; Ansible takes about 8 ms for each. */
const MADE_UP = 300
/** At least, and at most. */
const MEASURED = {
  'our own': { equal: 21, unsupported: 0 },
  'made up': { equal: 395, unsupported: 12 },
  'public projects': { equal: 77, unsupported: 10 },
}
const CASES = resolve('test/cases/inventories')
const OWN: readonly Case[] = [
  ...['ini/hosts', 'ini/plain', 'ini/with-carriage-returns', 'ini/looks-like-yaml.ini', 'ini/fleet.yml'].map(alone),
  ...['yaml/fleet.yml', 'yaml/no-extension', 'yaml/fleet.json', 'precedence/hosts', 'precedence', 'directory'].map(
    alone,
  ),
  ...['programs/with-meta', 'programs/host-by-host'].map(alone),
  ...['web1,web2,', 'lone.example.com,', 'web1:2222, 10.0.0.1 ,[2001:db8::1]:22,::1', 'localhost,'].map(alone),
  { sources: ['vault/hosts.yml'], vault: 'opensesame' },
  { sources: ['two-a/hosts', 'two-b/hosts'], vault: null },
  { sources: ['two-b/hosts', 'two-a'], vault: null },
  { sources: ['ini/plain', 'web1,extra', 'yaml/no-extension'], vault: null },
].map(({ sources, vault }) => ({
  sources: sources.map((name) => (name.includes(',') ? name : join(CASES, name))),
  vault,
}))

test('an inventory means to ctfleet what it means to Ansible, or ctfleet says in which line it does not', async (context) => {
  const ansible = await fetchAnsible()
  if ('why' in ansible) return context.skip(ansible.why)
  const real = realInventories()
  await using made = await madeUpInventories()
  const table = new Map<string, Map<Verdict, number>>()
  const differences: string[] = []
  const cases = [...OWN, ...made.cases, ...real]
  const answers = await askAnsible(cases, ansible.env)
  for (const [index, each] of cases.entries()) {
    const [verdict, why] = await judge(each, answers[index] ?? { failed: 'no answer' })
    const row = index < OWN.length ? 'our own' : index < OWN.length + made.cases.length ? 'made up' : 'public projects'
    const counts = table.get(row) ?? new Map<Verdict, number>()
    table.set(row, counts.set(verdict, (counts.get(verdict) ?? 0) + 1))
    if (verdict === 'differs' || (row === 'our own' && verdict !== 'equal'))
      differences.push(`${verdict} ${each.sources.join(' ')}: ${why}`)
  }
  console.log(
    [...table].map(([row, counts]) => `${row}: ${[...counts].map(([v, n]) => `${n} ${v}`).join(', ')}`).join('\n'),
  )
  expect(differences).toEqual([])
  // What is refused, with file and line, is an answer as long as it is a rare one: the table in docs/inventory.md.
  for (const [row, { equal, unsupported }] of Object.entries(MEASURED)) {
    const counts = table.get(row)
    if (counts === undefined) continue
    expect(counts.get('equal') ?? 0, row).toBeGreaterThanOrEqual(equal)
    expect(counts.get('unsupported, with file and line') ?? 0, row).toBeLessThanOrEqual(unsupported)
  }
})

function realInventories(): readonly Case[] {
  const folder = resolve(env.CTFLEET_CORPUS ?? '../shared/corpus', '05-inventories')
  if (!existsSync(folder)) return []
  const all = readdirSync(folder, { recursive: true, withFileTypes: true })
  const files = all.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  const directories = all
    .filter((entry) => entry.isDirectory() && /^(?:group_vars|host_vars)$/.test(entry.name))
    .map(({ parentPath }) => parentPath)
  return [...files, ...new Set(directories)].sort().map((source) => ({ sources: [source], vault: null }))
}

async function madeUpInventories(): Promise<{ readonly cases: readonly Case[] } & AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), 'ctfleet-made-up-'))
  const cases: Case[] = []
  const madeUp = [madeUpInventory, oddIni].flatMap((kind) => fc.sample(kind, { numRuns: MADE_UP, seed: 5 }))
  for (const [index, files] of madeUp.entries()) {
    const here = join(directory, String(index))
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(here, name)), { recursive: true })
      await writeFile(join(here, name), text)
    }
    cases.push({ sources: [join(here, 'hosts')], vault: null })
  }
  return { cases, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) }
}

async function askAnsible(cases: readonly Case[], environment: NodeJS.ProcessEnv): Promise<readonly Answer[]> {
  // Ansible also reads group_vars of the directory that it is called in.
  const empty = await mkdtemp(join(tmpdir(), 'ctfleet-agreement-'))
  try {
    const program = resolve('test/inventory/list-inventories.py')
    const asked = await run(['sh', '-c', `cd '${empty}' && exec /usr/bin/python3 '${program}'`], {
      input: cases.map((each) => `${JSON.stringify(each)}\n`).join(''),
      env: environment,
      timeoutSeconds: 120,
    })
    return asked.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line): Answer => JSON.parse(line))
  } finally {
    await rm(empty, { recursive: true, force: true })
  }
}

async function judge({ sources, vault }: Case, answer: Answer): Promise<readonly [Verdict, string]> {
  if ('failed' in answer) return ['not read by Ansible', answer.failed]
  if (answer.unparsed.length > 0) return ['not read by Ansible', answer.unparsed.join(' ')]
  const passwords = vault === null ? [] : [{ id: null, password: vault }]
  try {
    await loadInventory(sources, { here: { cwd: '/', home: '/root' }, vaultPasswords: passwords })
  } catch (error) {
    if (!(error instanceof InputError)) return ['differs', String(error)]
    const placed = error.complaints.every(({ file, line }) => file !== '' && line !== null)
    if (!placed) return ['differs', error.message]
    const none = Object.keys(understoodByAnsible(answer.list).values).length === 0
    return [none ? 'no host to Ansible either' : 'unsupported, with file and line', error.message]
  }
  const ours = await understood(sources, passwords)
  const theirs = understoodByAnsible(answer.list)
  const [a, b] = [canonicalJson(ours), canonicalJson(theirs)]
  if (a === b) return ['equal', '']
  let at = 0
  while (a[at] === b[at]) at++
  return [
    'differs',
    `ours …${a.slice(Math.max(0, at - 80), at + 80)}…\ntheirs …${b.slice(Math.max(0, at - 80), at + 80)}…`,
  ]
}

async function understood(
  sources: readonly string[],
  passwords: readonly { id: null; password: string }[],
): Promise<Understood> {
  const { written, beside } = await collect(sources, passwords)
  const merged = mergerOf(written, beside)
  const groups = [...written.groups.values()]
    .filter(({ name, hosts, children }) => name === 'all' || hosts.size > 0 || children.size > 0)
    .map(
      ({ name, hosts, children }) =>
        [name, { hosts: name === 'all' ? [] : [...hosts].sort(), children: [...children].sort() }] as const,
    )
  const values = [...written.hosts.values()].map((host) => [
    host.name,
    Object.fromEntries([...merged(host).variables].map(([name, { value }]) => [name, jsonWithVaults(value)])),
  ])
  expect([...hostsOf('all', written.groups)].sort()).toEqual([...written.hosts.keys()].sort())
  return { groups: Object.fromEntries(groups), values: Object.fromEntries(values) }
}

function understoodByAnsible(list: { readonly [group: string]: OfAnsible }): Understood {
  const { _meta, ...rest } = list
  const groups = Object.entries({ all: {}, ...rest }).map(
    ([name, { hosts = [], children = [] }]: [string, OfAnsible]) => [
      name,
      { hosts: name === 'all' ? [] : hosts.toSorted(), children: children.toSorted() },
    ],
  )
  const names = new Set(Object.values(rest).flatMap(({ hosts = [] }) => hosts))
  const values = [...names].map((name) => [name, _meta?.hostvars?.[name] ?? {}])
  return { groups: Object.fromEntries(groups), values: Object.fromEntries(values) }
}

/** As Ansible writes it: a vault, and what is no template, under a key of its own. */
function jsonWithVaults(node: YamlNode): Json {
  if (node.tag === '!vault' || node.tag === '!vault-encrypted')
    return { __ansible_vault: node.type === 'scalar' ? String(node.value) : '' }
  if (node.tag === '!unsafe') return { __ansible_unsafe: jsonOf(node) }
  switch (node.type) {
    case 'scalar':
      return node.value
    case 'list':
      return node.items.map(jsonWithVaults)
    case 'map':
      return Object.fromEntries(node.entries.map(({ key, value }) => [key, jsonWithVaults(value)]))
  }
}
