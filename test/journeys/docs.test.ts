import { copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve, sep } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { groups } from '../../src/report/text/groups.ts'
import { type Block, blocksOf, PAGES } from '../docs/pages.ts'
import { run } from '../lab/command.ts'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { bootedBy } from '../support/boots.ts'
import { withQuietLog } from '../support/quiet-log.ts'

/** The command lines of the pages, one after the other as they stand there, on real hosts. */

const able = canRunLab()
/** These are for who works on ctfleet, and have tests of their own; the first block of README has a journey of its own. */
const WITHOUT_HOSTS = new Set(['CONTRIBUTING.md', 'docs/performance.md', 'docs/architecture.md'])
const BLOCKS = PAGES.filter((page) => !WITHOUT_HOSTS.has(page))
  .flatMap(blocksOf)
  .filter(({ language, text }) => language === 'sh' && !text.startsWith('git clone'))
const RUN = BLOCKS.filter(({ notRun }) => notRun === null)

const CHANGES = /ctfleet (?:apply|rollback|resume|clean)\b/
const NEEDS_RUN = /ctfleet (?:report|runs|show (?:last|--audit))\b/
/** Each has four hosts and a record of its own, and takes one block after the other from its queue. */
const [CHANGING, LOOKING] = queuesOf(RUN)
const LANES = [CHANGING, CHANGING, LOOKING].map((queue, at) => ({ lane: at + 1, queue }))
const SAMPLES = 'web-4'
/** What a reader has before a page begins. */
const DESK = ['inventory.yaml', 'policy.yaml', 'facts.json', 'plan.json', 'events.jsonl', 'mine.yaml', 'playbooks']

/** What was said to each command of a block. */
const TOLD = new Map<Block, readonly Told[]>()
type Told = { readonly place: string; readonly command: string } & Awaited<ReturnType<typeof run>>

let dir: string
let lab: Lab
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-docs-'))
  if (!able.ok) return
  mkdirSync(join(dir, 'bin'))
  const program = `#!/bin/sh\nexec '${process.execPath}' '${inject('program')}' "$@"\n`
  writeFileSync(join(dir, 'bin', 'ctfleet'), program, { mode: 0o755 })
  const hosts = LANES.flatMap(({ lane }) => ['web', 'healthy', 'open', 'gateway'].map((of) => `${of}-${lane}`))
  lab = await startLab({ hosts: [...hosts, SAMPLES] })
  await Promise.all([...hosts, SAMPLES].map(async (name) => await withQuietLog(lab.host(name))))
  await Promise.all(LANES.map(({ lane, queue }) => work(lane, queue)))
})
afterAll(async () => {
  await lab?.down()
  await rm(dir, { recursive: true, force: true })
})

test('what is run and what is not', () => {
  const left = BLOCKS.filter(({ notRun }) => notRun !== null)
  console.log(
    [
      `docs: ${RUN.length} blocks of commands are run on hosts, ${left.length} are not:`,
      ...left.map(({ page, line, notRun }) => `  ${page}:${line}: ${notRun}`),
    ].join('\n'),
  )
  expect(RUN.length).toBeGreaterThan(10)
  // They would change this machine, or never end.
  const dangerous = RUN.filter(({ text }) =>
    /ctfleet (?:serve|schedule (?:install|remove))|systemctl|crontab|sudo /.test(text),
  )
  expect(dangerous.map(({ page, line }) => `${page}:${line} has to say <!-- not run: why -->`)).toEqual([])
})

describe.each(groups(RUN, ({ page }) => page))('%s', (_page, blocks) => {
  test.each(blocks.map((block) => [block.line, block] as const))(
    'the block at line %i ends as a reader expects',
    (_line, block) => {
      const told = TOLD.get(block)
      expect(told).toBeDefined()
      for (const { place, command, code, stdout, stderr } of told ?? []) {
        const all = `${place}: ${command}\nended with ${code}\n${stdout.slice(-2000)}\n${stderr.slice(-2000)}`
        expect(codesOf(command), all).toContain(code)
        expect(stderr, all).not.toMatch(/This is a bug|command not found|^sh: /m)
      }
    },
  )
})

test('the samples of docs/plans.md are as printed, but for numbers', async () => {
  const at = await room('samples', inventoryOf({ 'web-1': SAMPLES }))
  const web = lab.host(SAMPLES)
  await bootedBy(web, 'netfilter-persistent')
  await web.fill({ percent: 95, port: 443 })
  const samples = blocksOf('docs/plans.md').filter(({ language }) => language === '')
  expect(samples).toHaveLength(2)
  for (const [index, command] of ['plan', 'explain'].entries()) {
    const said = await shell(at, `ctfleet ${command} --limit web-1`)
    expect(missingOf(samples[index]?.text ?? '', said.stdout)).toEqual([])
  }
})

/** Those that change hosts, or read of a run; and those that only look. The longest first, which leaves a run behind. */
function queuesOf(blocks: readonly Block[]): readonly [Block[], Block[]] {
  const has = (what: RegExp) => (block: Block) => ownOf(block).some(({ command }) => what.test(command))
  const changing = blocks.filter(has(CHANGES)).toSorted((a, b) => ownOf(b).length - ownOf(a).length)
  const looking = blocks.filter((block) => !changing.includes(block))
  const isOfRun = has(NEEDS_RUN)
  return [[...changing, ...looking.filter(isOfRun)], looking.filter((block) => !isOfRun(block))]
}

/**
 * What of a block is not run elsewhere already: a line that only looks and rests on no other is run where it stands first, and a block that
 * changes something and that a longer one holds whole, in that one.
 */
function ownOf(block: Block): readonly { readonly line: number; readonly command: string }[] {
  const lines = commandsIn(block)
  const changing = RUN.filter(({ text }) => CHANGES.test(text))
  const isWithin = (other: Block) => {
    const its = commandsIn(other).map(({ command }) => command)
    return its.length > lines.length && lines.every(({ command }) => its.includes(command))
  }
  if (CHANGES.test(block.text)) return changing.some(isWithin) ? [] : lines
  if (NEEDS_RUN.test(block.text)) return lines
  const before = RUN.slice(0, RUN.indexOf(block)).concat(changing).flatMap(commandsIn)
  return lines.filter(({ command }) => !before.some((other) => other.command === command))
}

/** One block after the other until none is left, each where a reader would be: with what its page has made before. */
async function work(lane: number, queue: Block[]): Promise<void> {
  const web = lab.host(`web-${lane}`)
  await bootedBy(web, 'netfilter-persistent')
  await web.fill({ percent: 80, port: 443 })
  const names = {
    'web-1': `web-${lane}`,
    'db-1': `healthy-${lane}`,
    'dns-1': `open-${lane}`,
    'gw-1': `gateway-${lane}`,
  }
  const home = await room(`lane-${lane}`, inventoryOf(names))
  const made = 'ctfleet facts --format json > facts.json && ctfleet plan -o plan.json --events events.jsonl'
  const ready = await shell(home, made)
  expect(ready.code, ready.stderr).toBe(0)
  for (let block = queue.shift(); block !== undefined; block = queue.shift()) {
    const { page, line } = block
    const at = join(home, `${page.replaceAll(/\W/g, '-')}-${line}`)
    for (const file of DESK) cpSync(join(home, file), join(at, file), { recursive: true })
    const changes = CHANGES.test(block.text)
    // The block before may have emptied it.
    if (changes && ownOf(block).length > 0) await web.fill({ percent: 80, port: 443 })
    const told: Told[] = []
    for (const own of ownOf(block)) {
      told.push({ place: `${page}:${own.line}`, command: own.command, ...(await shell(at, asTyped(own.command))) })
    }
    if (told.length > 0 && changes && !/ctfleet rollback/.test(block.text)) {
      const command = 'ctfleet rollback --from-hosts inventory.yaml --yes'
      told.push({ place: page, command, ...(await shell(at, command)) })
    }
    TOLD.set(block, told)
  }
}

/** Parts of a sample, which `[…]` lines part, that are not printed so; numbers and ids may be others. */
function missingOf(sample: string, printed: string): readonly string[] {
  const plain = (text: string) =>
    text
      .replace(/\b[0-9a-f]{10,}\b/g, 'ID')
      .replace(/[\u00a0\u202f]/g, ' ')
      .replace(/\d+(?:[ .]\d{3})*/g, '0')
  const all = plain(printed)
  return sample.split(/^ *\[…\]\n/m).filter((part) => !all.includes(plain(part)))
}

/** Its lines, without remarks, each with its place on the page. */
function commandsIn({ text, line }: Block): readonly { readonly line: number; readonly command: string }[] {
  return text
    .split('\n')
    .map((words, at) => ({ line: line + at + 1, command: words.replace(/ +#(?! \\).*$/, '') }))
    .filter(({ command }) => command.trim() !== '' && !command.startsWith('#'))
}

/** As a reader would type it who has other names, and who says yes. */
function asTyped(command: string): string {
  const replaced = command
    .replace(/20\d{6}-\d{4}-[0-9a-f]{4}/, 'last')
    .replace('/var/lib/node_exporter/textfile/', './')
    .replace(/\bdocs\/examples\//g, `${resolve('docs/examples')}/`)
    .replace('--pause 2m', '--pause 0s')
    .replace(/\| less\b/, '| cat')
    .replace('tail -f ', 'cat ')
    .replace(/ctfleet init /, 'cd "$(mktemp -d -p .)" && echo web-1 > hosts.txt && ctfleet init ')
  if (/ctfleet (?:rollback|clean|keys)\b/.test(replaced) && !/--yes|--format/.test(replaced)) {
    return replaced.replace(/(ctfleet (?:rollback|clean|keys))/, '$1 --yes')
  }
  const asks = /ctfleet apply\b/.test(replaced) && !/--yes|--approve-file/.test(replaced)
  return asks ? replaced.replace('ctfleet apply', 'ctfleet apply --yes --pause 0s') : replaced
}

/** How it may end besides well: findings and hosts in trouble are what these commands are for. */
function codesOf(command: string): readonly number[] {
  if (/ctfleet audit/.test(command)) return [0, 4]
  // A remedy of one's own, or a condition, may fit none of these hosts.
  if (/ctfleet (?:explain|plan|apply).*(?:--strategy|--where)/.test(command)) return [0, 1]
  // Where nothing was cut off, or none has failed, there is nothing to do.
  if (/ctfleet (?:verify|resume)|--from-hosts|@failed\.txt/.test(command)) return [0, 1, 2]
  return [0]
}

/** A directory in which a reader would be: an inventory, a policy, and a playbook of one's own. */
async function room(name: string, inventory: string): Promise<string> {
  const at = join(dir, name)
  await mkdir(at)
  writeFileSync(join(at, 'inventory.yaml'), inventory)
  copyFileSync('policy.example.yaml', join(at, 'policy.yaml'))
  const [mine] = blocksOf('docs/playbooks.md').filter(({ language }) => language === 'yaml')
  mkdirSync(join(at, 'playbooks'))
  for (const file of ['mine.yaml', 'playbooks/quick-udp.yaml']) writeFileSync(join(at, file), mine?.text ?? '')
  return at
}

/** @param at a room, or a directory in one: the record is the room's */
async function shell(at: string, command: string) {
  const [of = ''] = relative(dir, at).split(sep)
  const PATH = `${join(dir, 'bin')}:${process.env.PATH}`
  const env = { ...process.env, PATH, CTFLEET_STATE: join(dir, of, 'state') }
  return await run(['sh', '-c', `cd "$1" && ${command}`, 'sh', at], { env, timeoutSeconds: 120 })
}

/** Hosts of the lab under names that the pages use. */
function inventoryOf(named: { readonly [name: string]: string }): string {
  const lines = Object.entries(named).map(([name, of]) => {
    const { address, port, user } = lab.host(of)
    return `    ${name}: { ansible_host: '${address}', ansible_port: ${port}, ansible_user: ${user} }`
  })
  const vars = `  vars:\n    ansible_ssh_private_key_file: ${lab.dir}/id_ed25519\n    ansible_ssh_common_args: -o UserKnownHostsFile=${lab.dir}/known_hosts`
  const groups = { web: 'web-1', db: 'db-1', resolvers: 'dns-1', gateways: 'gw-1' }
  const members = Object.entries(groups).flatMap(([group, name]) =>
    Object.hasOwn(named, name) ? [`${group}: { hosts: { ${name}: } }`] : [],
  )
  return `all:\n  hosts:\n${lines.join('\n')}\n${vars}\n${members.join('\n')}\n`
}
