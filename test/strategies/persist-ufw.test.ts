import { describe, expect, test } from 'vitest'
import { linesOf } from '../../src/firewall/file-text.ts'
import { notrackPatch } from '../../src/firewall/notrack.ts'
import { parseRules } from '../../src/firewall/parse.ts'
import type { Facts, RuleFile } from '../../src/model/facts.ts'
import { known } from '../../src/model/reading.ts'
import { analyse } from '../../src/strategies/analysis.ts'
import { factsWith } from '../diagnosis/sample-facts.ts'

/** What goes into ufw's before.rules, and where nothing does. The rules are those that ufw makes, but for what says nothing here. */

const BEFORE = `# our own: don't touch
*filter
:ufw-before-input - [0:0]
:ufw-before-output - [0:0]
:ufw-not-local - [0:0]
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-output -o lo -j ACCEPT

# answers
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-output -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -m conntrack --ctstate INVALID -j ufw-logging-deny
-A ufw-before-input -m conntrack --ctstate INVALID -j DROP
-A ufw-before-input -p icmp --icmp-type destination-unreachable -j ACCEPT
-A ufw-before-input -j ufw-not-local
-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN
-A ufw-not-local -m limit --limit 3/min --limit-burst 10 -j ufw-logging-deny
-A ufw-not-local -j DROP
COMMIT
`

type Running = {
  readonly input?: string
  readonly beforeInput?: readonly string[]
  readonly user?: string
  readonly output?: 'ACCEPT' | 'DROP'
}

/** What the kernel shows once ufw has loaded its files. */
function running({ input = '', beforeInput = [], user = '-p tcp -m tcp --dport 80', output = 'ACCEPT' }: Running = {}) {
  const own = ['before-input', 'before-output', 'after-input', 'logging-deny', 'not-local', 'user-input', 'user-output']
  const skips = ['skip-to-policy-input', 'skip-to-policy-output', 'skip-to-policy-forward']
  return `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ${output} [0:0]
${[...own, ...skips].map((name) => `:ufw-${name} - [0:0]`).join('\n')}
${input}
-A INPUT -j ufw-before-input
-A INPUT -j ufw-after-input
-A OUTPUT -j ufw-before-output
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -m conntrack --ctstate INVALID -j ufw-logging-deny
-A ufw-before-input -m conntrack --ctstate INVALID -j DROP
-A ufw-before-input -p icmp -m icmp --icmp-type 3 -j ACCEPT
-A ufw-before-input -j ufw-not-local
${beforeInput.map((spec) => `-A ufw-before-input ${spec}`).join('\n')}
-A ufw-before-input -j ufw-user-input
-A ufw-before-output -o lo -j ACCEPT
-A ufw-before-output -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-output -j ufw-user-output
-A ufw-logging-deny -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] "
-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN
-A ufw-not-local -m limit --limit 3/min --limit-burst 10 -j ufw-logging-deny
-A ufw-not-local -j DROP
-A ufw-skip-to-policy-input -j DROP
-A ufw-skip-to-policy-output -j ${output}
-A ufw-skip-to-policy-forward -j DROP
-A ufw-user-input ${user} -j ACCEPT
COMMIT
`
}

const SERVICE = [{ protocol: 'tcp' as const, port: 80 }]

function lasting(file: string | null, dump: string, changes: Parameters<typeof factsWith>[0] = {}) {
  const files: readonly RuleFile[] = [{ path: '/etc/ufw/before.rules', holds: 'ip', text: known(file) }]
  const facts: Facts = factsWith({
    listeners: { sockets: known([]), addresses: known(['192.0.2.1', '127.0.0.1']) },
    firewall: { nft: { ip: known(dump), ip6: known(null) } },
    managers: { present: known([{ name: 'ufw', sign: 'ENABLED=yes' }]) },
    persistence: { loaders: known([{ name: 'ufw', sign: '/etc/rc2.d/S01ufw', files }]) },
    ...changes,
  })
  const analysis = analyse(facts, SERVICE)
  expect(analysis.notrack.safe, analysis.notrack.why).toEqual(known(true))
  return analysis.persist.notrack
}

type Change = { readonly hunks: readonly { readonly at: number; readonly add: readonly string[] }[] }

function applied(text: string, files: readonly unknown[]): string {
  const lines = linesOf(text)
  const hunks = (files as readonly Change[]).flatMap((each) => each.hunks)
  return lines.flatMap((line, at) => [...hunks.flatMap((hunk) => (hunk.at === at ? hunk.add : [])), line]).join('\n')
}

describe('our accepts go into before.rules', () => {
  test('beside the ones they are for, and what is for raw into a unit of our own', () => {
    const { files, script, unit, reloaded, note } = lasting(BEFORE, running({ output: 'DROP' }))
    const text = applied(BEFORE, files)
    expect(text).not.toContain('*raw')
    expect(text).toMatch(/^-A ufw-before-output .*--ctstate RELATED,ESTABLISHED.*\n-A ufw-before-output .*UNTRACKED/m)
    expect(script).toMatch(/\*raw[\s\S]*-A OUTPUT .*--notrack/)
    expect(script).not.toContain('ufw-')
    expect(unit).toContain('ufw.service')
    expect(reloaded).toBe(true)
    expect(note).toMatch(
      /^After a reboot ufw loads these accepts from \/etc\/ufw\/before\.rules, and a unit of our own/,
    )
  })

  test('and are the ones that run, so that they are found again by their comments after a restart', () => {
    const { files } = lasting(BEFORE, running({ output: 'DROP' }))
    const added = applied(BEFORE, files)
      .split('\n')
      .filter((line) => line.includes('ctfleet:notrack:'))
    const host = { families: ['ip'] as const, backend: 'nft' as const, addresses: ['192.0.2.1'] }
    const rules = parseRules(running({ output: 'DROP' }), 'ip')
    if (!rules.known) throw new Error(rules.why)
    const patch = notrackPatch([{ backend: 'nft', rules: rules.value }], SERVICE, host)
    if (!patch.safe) throw new Error(patch.why)
    const needed = patch.edits.filter(({ table }) => table === 'filter')
    expect(added).toEqual(needed.map(({ chain, spec }) => `-A ${chain} ${spec}`))
  })

  test('an accept at the end of a chain stands above what ufw hooks in below it', () => {
    const stateful = '-p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT'
    const file = BEFORE.replace('COMMIT', `-A ufw-before-input ${stateful}\nCOMMIT`)
    const { files, note } = lasting(file, running({ beforeInput: [stateful], user: '-p tcp -m tcp --dport 22' }))
    expect(note).toContain('ufw loads these accepts')
    expect(applied(file, files)).toMatch(/--ctstate NEW -j ACCEPT\n-A ufw-before-input .*UNTRACKED .*\nCOMMIT$/)
  })

  test('a family that ufw leaves closed needs none', () => {
    const closed = `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -i lo -j ACCEPT
-A OUTPUT -o lo -j ACCEPT
COMMIT
`
    const { files, script } = lasting(BEFORE, running(), {
      listeners: { sockets: known([]), addresses: known(['192.0.2.1', '2001:db8::1', '::1']) },
      firewall: { nft: { ip: known(running()), ip6: known(closed) } },
    })
    expect(files).toHaveLength(1)
    expect(script).toMatch(/^tool='?ip6tables/m)
  })

  test('a policy that was changed by hand is not what ufw sets at boot', () => {
    const byHand = running({ output: 'DROP' }).replace(':OUTPUT DROP', ':OUTPUT ACCEPT')
    const { note, script } = lasting(BEFORE, byHand)
    expect(note).toMatch(/last until the next reboot, because what runs and what ufw loads do not need the same rules/)
    expect(script).toBe('')
  })
})

describe('nothing is written', () => {
  test.each<[string, { file?: string | null; dump?: string; changes?: Parameters<typeof factsWith>[0] }, RegExp]>([
    [
      "where an accept is needed among the user's own rules",
      { dump: running({ user: '-p tcp -m tcp --dport 80 -m conntrack --ctstate NEW' }) },
      /an accept is needed in chain ufw-user-input, which ufw fills from elsewhere/,
    ],
    [
      'where a rule that nobody loads is what lets the port in',
      {
        dump: running({
          user: '-p tcp -m tcp --dport 22',
          input: '-A INPUT -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT',
        }),
      },
      /what runs and what ufw loads do not need the same rules/,
    ],
    [
      'where the file has rules for raw',
      { file: `*raw\n-A PREROUTING -i eth9 -j ACCEPT\nCOMMIT\n${BEFORE}` },
      /before\.rules holds rules for raw of its own: raw: -A PREROUTING -i eth9 -j ACCEPT/,
    ],
    ['where the file is gone', { file: null }, /\/etc\/ufw\/before\.rules is not there/],
    [
      'where the file holds what cannot be read',
      { file: BEFORE.replace('-i lo', '-i "lo') },
      /before\.rules: line \d+/,
    ],
    [
      'without systemd',
      { changes: { system: { init: known('other') } } },
      /ufw would add at each reload once more, and ctfleet writes a unit of its own for systemd alone/,
    ],
  ])('%s', (_name, { file = BEFORE, dump = running({ output: 'DROP' }), changes }, why) => {
    const { files, script, unit, note } = lasting(file, dump, changes)
    expect({ files, script, unit }).toEqual({ files: [], script: '', unit: '' })
    expect(note).toMatch(/^These rules last until the next reboot, because /)
    expect(note).toMatch(why)
  })
})
