import type { Host, SshWay } from '../../model/host.ts'
import type { HostKey, KeysResult } from '../../model/host-keys.ts'
import { visible } from '../../report/format.ts'
import { keysJson } from '../../report/json/keys.ts'
import { jsonText } from '../../report/json/text.ts'
import { decisionsText, keysText } from '../../report/text/keys.ts'
import { type KeyBearer, keysHost, type ShownKeys, writeKeys } from '../../run/keys-host.ts'
import type { Otherwise } from '../../run/phase.ts'
import { asideResults } from '../../run/set-aside.ts'
import { quote } from '../../shell/script.ts'
import { askForAccess } from '../access.ts'
import { formatFrom } from '../arguments.ts'
import { askEach, type Decision } from '../ask-each.ts'
import { checkAll } from '../checks.ts'
import { EXIT, type ExitCode, exitCodeOfKeys } from '../exit-code.ts'
import { runPhase } from '../fleet-phase.ts'
import { forksFrom, READING } from '../parallel.ts'
import { type TargetWords, targetsFrom, targetWords } from '../targets.ts'
import type { Terminal } from '../terminal.ts'

export type KeysWords = TargetWords & {
  readonly yes: boolean
  readonly format: string
  readonly forks: string | undefined
}

/**
 * Shows the keys of every host and of those in between, nearest first, since what stands behind a host is reached only
 * once its key is known, and writes down the new ones that somebody says yes to.
 */
export async function keysCommand(words: KeysWords, terminal: Terminal): Promise<ExitCode> {
  const { targets, format, parallel } = await checkAll({
    targets: () => targetsFrom({ ...words, acceptNew: undefined, writesKeys: true }),
    format: () => formatFrom(words.format),
    parallel: () => forksFrom(words.forks, READING),
  })
  const yes = words.yes || words.acceptNew === true
  // Whoever is jumped through is logged in to.
  const between = new Set(targets.hosts.flatMap(({ jumps }) => jumps ?? []))
  await askForAccess(
    targets.hosts.filter((host) => between.size > 0 && host.jumps !== undefined),
    { ...words, writesKeys: true },
  )
  const results: KeysResult[] = []
  for (const bearers of inRounds(targets.hosts)) {
    const shown = await runPhase(
      {
        title: 'Asking',
        hosts: bearers,
        parallel,
        story: keysHost,
        onLeaving: [results.length === 0 ? 'Nothing was written.' : 'What was written stays.'],
      },
      terminal,
    )
    const told = shown.map((one, at) => resultOf(one, bearers[at] as KeyBearer, 'shown'))
    if (format === 'text') terminal.print(keysText(terminal.paper, told))
    else if (!yes && terminal.canAsk) terminal.say(keysText(terminal.notices, told))
    const decided = await decide(shown, yes, terminal)
    if (decided === 'interrupted') return EXIT.interrupted
    const round = await Promise.all(
      shown.map(async (one, at) => await conclude(one, bearers[at] as KeyBearer, decided.get(one))),
    )
    const said = decisionsText(terminal.paper, round)
    if (format === 'text' && said.length > 0) terminal.print(['', ...said])
    results.push(...round)
  }
  const aside = asideResults(targets.setAside)
  for (const { host, fault } of aside)
    terminal.say([`${visible(host)}: ${visible(fault.message)}`, `  Next: ${visible(fault.next)}`])
  if (format === 'json') terminal.printText(jsonText(keysJson([...results, ...aside])))
  terminal.say(nextLines(results, words))
  return exitCodeOfKeys([...results, ...aside])
}

/** By how many hosts are in between; a host of the inventory stands for itself where others jump through it. */
function inRounds(hosts: readonly Host[]): readonly (readonly KeyBearer[])[] {
  const overSsh = hosts.filter(({ transport }) => transport !== 'local')
  const bearers = new Map<string, KeyBearer>()
  for (const host of overSsh) bearers.set(`host ${host.name}`, bearerOf(host, host.name, host.jumps ?? []))
  const inInventory = new Set(overSsh.map(wayKey))
  for (const { jumps = [] } of overSsh) {
    for (const [at, way] of jumps.entries()) {
      if (!inInventory.has(wayKey(way)))
        bearers.set(`way ${wayKey(way)}`, bearerOf(way, way.address, jumps.slice(0, at)))
    }
  }
  const depths = [...new Set([...bearers.values()].map(({ jumps }) => jumps.length))].toSorted((a, b) => a - b)
  return depths.map((depth) => [...bearers.values()].filter(({ jumps }) => jumps.length === depth))
}

function bearerOf(way: SshWay, name: string, jumps: readonly SshWay[]): KeyBearer {
  return { name, groups: [], way, jumps }
}

function wayKey({ address, port, hostKeyAlias }: SshWay): string {
  return JSON.stringify([hostKeyAlias ?? null, address, port])
}

type Asked = Extract<ShownKeys, { readonly status: 'asked' }>

/** `withheld`: a key that is not the one that is known makes all of them doubtful. */
async function decide(
  shown: readonly (ShownKeys | Otherwise)[],
  yes: boolean,
  terminal: Terminal,
): Promise<ReadonlyMap<ShownKeys | Otherwise, Decision> | 'interrupted'> {
  const withNew = shown.filter(
    (one): one is Asked => one.status === 'asked' && one.fresh.length > 0 && !isDoubtful(one.keys),
  )
  if (terminal.interruption.signal.aborted) return 'interrupted'
  if (yes) return new Map(withNew.map((one) => [one, 'yes']))
  if (withNew.length === 0 || !terminal.canAsk) return new Map()
  // Loaded only where somebody is asked.
  const { askPerson } = await import('../ask.ts')
  terminal.say(['', COMPARE, ''])
  const decisions = await askEach(withNew, {
    ask: askPerson,
    question: (one) => `${visible(one.host)}: write down ${wordsFor(one)}?`,
    show: (one) => terminal.say(['', ...keysText(terminal.notices, [resultOf(one, one.bearer, 'shown')]), '']),
  })
  if (decisions === 'interrupted') return decisions
  return new Map(withNew.map((one, at) => [one, decisions[at] ?? 'skipped']))
}

const COMPARE = 'Compare them with what each host says at its console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub'

function wordsFor({ keys }: Asked): string {
  const fresh = keys.filter(({ standing }) => standing === 'new')
  const [first] = fresh
  return fresh.length === 1 && first !== undefined
    ? `${first.type} ${first.fingerprint}`
    : `its ${fresh.length} new keys`
}

function isDoubtful(keys: readonly HostKey[]): boolean {
  return keys.some(({ standing }) => standing === 'changed' || standing === 'revoked')
}

async function conclude(
  one: ShownKeys | Otherwise,
  bearer: KeyBearer,
  decision: Decision | undefined,
): Promise<KeysResult> {
  if (one.status !== 'asked') return resultOf(one, bearer, 'shown')
  if (isDoubtful(one.keys)) return resultOf(one, bearer, 'withheld')
  if (one.fresh.length === 0) return resultOf(one, bearer, 'nothing-new')
  if (decision !== 'yes') return resultOf(one, bearer, decision ?? 'shown')
  const why = await writeKeys(one)
  return resultOf(one, bearer, why === null ? 'written' : 'unwritten', why)
}

function resultOf(
  one: ShownKeys | Otherwise,
  { name: host, way: { address, port, knownHostsFiles } }: KeyBearer,
  decision: Extract<KeysResult, { status: 'asked' }>['decision'],
  why: string | null = null,
): KeysResult {
  const place = { host, address, port }
  switch (one.status) {
    case 'asked': {
      const file = decision === 'written' ? (knownHostsFiles[0] ?? null) : null
      return { ...place, status: 'asked', keys: one.keys, decision, file, why }
    }
    case 'unreachable':
    case 'failed':
      return { ...place, status: one.status, fault: one.fault }
    case 'not-reached':
      return { ...place, status: 'not-reached', why: one.why }
  }
}

function nextLines(results: readonly KeysResult[], words: KeysWords): readonly string[] {
  const asked = results.filter((result) => result.status === 'asked')
  const untold = asked.filter(
    ({ decision, keys }) => decision === 'shown' && keys.some(({ standing }) => standing === 'new'),
  )
  return untold.length === 0
    ? []
    : [
        '',
        `${COMPARE}`,
        `Nothing was written. To write all of these down: ctfleet keys ${[...targetWords(words), '--yes'].map(quote).join(' ')}`,
      ]
}
