import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { nativeRules } from '../../src/firewall/nft-live.ts'
import { parseNft } from '../../src/firewall/nft-ruleset.ts'
import { notrackPatch } from '../../src/firewall/notrack.ts'
import type { LiveRules } from '../../src/firewall/rules.ts'
import { removableStatefulRules } from '../../src/firewall/stateful.ts'
import { STEP_KINDS } from '../../src/steps/catalog.ts'
import type { Step } from '../../src/steps/step-kind.ts'

/** nft's own rules in a real kernel: what passes before a patch, under it, and once it was taken back; and the rules' own text. */

const [host, client] = [`ctfleet-nfp-${process.pid}-h`, `ctfleet-nfp-${process.pid}-c`]
const missing = whatIsMissing()
const OPEN = 8080
const PORTS = [OPEN, 9090]
const V4 = { host: '198.18.241.1', client: '198.18.241.2' }
const V6 = { host: 'fd00:198:18:f1::1', client: 'fd00:198:18:f1::2' }

let server: ChildProcess | undefined

beforeEach((context) => {
  if (missing !== null) context.skip(missing)
})
beforeAll(async () => {
  if (missing !== null) return
  makeNetwork()
  const listen = PORTS.map((port) => `s.listen(${port}, '::')`.replace('s.', 'server().')).join(';')
  const echo = `const server = () => require('net').createServer((s) => { s.on('error', () => {}); s.pipe(s) });${listen};setTimeout(() => console.log('up'), 300)`
  server = spawn('ip', ['netns', 'exec', host, process.execPath, '-e', echo])
  await new Promise((done) => server?.stdout?.once('data', done))
})
afterAll(() => {
  server?.kill('SIGKILL')
  if (missing === null) for (const name of [host, client]) tryRun('ip', 'netns', 'del', name)
})

const INPUT = 'chain input { type filter hook input priority filter; policy drop;'
const ICMP = 'meta l4proto { icmp, ipv6-icmp } accept'

/** What an administrator loaded. */
const RULE_SETS: readonly (readonly [title: string, rules: string])[] = [
  [
    'a verdict map of states, and ports in a chain of their own',
    `table inet filter {
      chain services { tcp dport { 22, 8080 } accept; }
      ${INPUT}
        iif lo accept
        ct state vmap { established : accept, related : accept, invalid : drop, new : jump services }
        ${ICMP}
      }
    }`,
  ],
  [
    'ports by a verdict map',
    `table inet filter {
      ${INPUT}
        iif lo accept
        ct state established,related accept
        ${ICMP}
        ct state new tcp dport vmap { 22 : accept, 8080 : accept }
      }
    }`,
  ],
  [
    'all but what is new is let in, and new is filtered',
    `table inet filter {
      ${INPUT}
        iif lo accept
        ct state invalid drop
        ct state { established, related } accept
        ct state != new drop
        ${ICMP}
        tcp dport 8080 accept
      }
    }`,
  ],
  [
    'new connections have to begin with a SYN',
    `table inet filter {
      ${INPUT}
        iif lo accept
        ct state established,related accept
        tcp flags & (fin|syn|rst|ack) != syn ct state new drop
        ${ICMP}
        tcp dport 8080 ct state new accept
      }
    }`,
  ],
  [
    'a table for each family, of which one is closed',
    `table ip filter { ${INPUT} iif lo accept; ct state established,related accept; ct state new tcp dport 8080 accept; } }
     table ip6 filter { ${INPUT} iif lo accept; ct state established,related accept; icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept; } }`,
  ],
  [
    'a default drop for answers too',
    `table inet filter {
      ${INPUT} ct state established,related accept; iif lo accept; ${ICMP}; ct state new tcp dport 8080 accept; }
      chain output { type filter hook output priority filter; policy drop; ct state established accept; oif lo ct state new accept; ${ICMP}; }
    }`,
  ],
  [
    'a second chain behind the first, which asks for a state',
    `table inet filter { ${INPUT} iif lo accept; ${ICMP}; tcp dport { 8080, 9090 } accept; } }
     table inet late { chain input { type filter hook input priority filter + 10; policy accept; iif lo accept; tcp dport 8080 ct state { new, established } accept; meta l4proto tcp drop; } }`,
  ],
  [
    'an administrator who leaves the port untracked already',
    `table inet own {
      chain pre { type filter hook prerouting priority raw; policy accept; fib daddr type local tcp dport 8080 notrack; iif lo tcp sport 8080 notrack; }
      chain out { type filter hook output priority raw; policy accept; fib saddr type local tcp sport 8080 notrack; oif lo tcp dport 8080 notrack; }
    }
    table inet filter { ${INPUT} iif lo accept; ct state established,related accept; ${ICMP}; tcp dport 8080 ct state untracked accept; } }`,
  ],
  [
    'one network may come, by its address',
    `table inet filter { ${INPUT} iif lo accept; ct state established,related accept; ${ICMP}; ip saddr 198.18.241.0/24 tcp dport 8080 ct state new accept; ip saddr 203.0.113.0/24 tcp dport 9090 ct state new accept; } }`,
  ],
  [
    'named sets of ports and of addresses',
    `table inet filter {
      set web { type inet_service; elements = { 8080, 8081 }; }
      set friends { type ipv6_addr; flags interval; elements = { fd00:198:18:f1::/64 }; }
      ${INPUT} iif lo accept; ct state established,related accept; ${ICMP}; ip6 saddr @friends tcp dport @web ct state new accept; }
    }`,
  ],
  [
    "an answer by ICMP is one family's alone, though nft does not print so",
    `table inet filter { chain input { type filter hook input priority filter; policy drop; iif lo accept; ct state established,related accept; ${ICMP}; reject with icmp port-unreachable; ct state new tcp dport 8080 accept; } }`,
  ],
  [
    'the protocol by the header of IPv4 alone',
    `table inet filter { ${INPUT} iif lo accept; ct state established,related accept; ${ICMP}; ip protocol tcp ct state new accept; } }`,
  ],
  [
    'several protocols by one rule, and the port of any',
    `table inet filter { ${INPUT} iif lo accept; ct state established,related accept; ${ICMP}; meta l4proto { tcp, udp } th dport { 53, 8080 } ct state new counter accept; } }`,
  ],
  [
    'a port that is closed',
    `table inet filter { ${INPUT} iif lo accept; ct state established,related accept; ${ICMP}; tcp dport 22 ct state new accept; } }`,
  ],
  [
    'chains by goto and return',
    `table inet filter {
      chain more { tcp dport != 8080 return; ct state new log prefix "web: " accept; }
      chain tcps { jump more; reject with tcp reset; }
      ${INPUT} iif lo accept; ct state vmap { established : accept, related : accept }; ${ICMP}; meta l4proto tcp goto tcps; }
    }`,
  ],
  [
    'a chain of prerouting that drops what is untracked',
    `table inet filter {
      chain early { type filter hook prerouting priority mangle; policy accept; iif lo accept; ct state invalid,untracked drop; }
      ${INPUT} iif lo accept; ct state established,related accept; ${ICMP}; tcp dport 8080 accept; }
    }`,
  ],
  [
    'pairs of address and port',
    `table inet filter {
      set may { type ipv4_addr . inet_service; elements = { 198.18.241.2 . 8080, 198.18.241.9 . 9090 }; }
      ${INPUT} iif lo accept; ct state established,related accept; ${ICMP}; ip saddr . tcp dport @may ct state new accept; }
    }`,
  ],
]

/** Those that no patch may touch, and why. */
const REFUSED: readonly (readonly [title: string, rules: string, why: RegExp])[] = [
  [
    'a port that is redirected',
    `table inet nat { chain pre { type nat hook prerouting priority dstnat; tcp dport 8080 redirect to :9090; } }`,
    /may be translated.*: inet nat pre: tcp dport 8080 redirect to :9090/,
  ],
  [
    'a limit on how fast connections may come',
    `table inet filter { ${INPUT} iif lo accept; ct state established,related accept; ${ICMP}; tcp dport 8080 ct state new limit rate 2/second accept; } }`,
    /would be dropped: inet filter: policy of chain input/,
  ],
  [
    'who came lately, in a set that rules write',
    `table inet filter {
      set seen { type ipv4_addr; flags dynamic; timeout 1m; }
      ${INPUT} iif lo accept; ct state established,related accept; ${ICMP}; tcp dport 9090 ct state new add @seen { ip saddr }; ip saddr @seen tcp dport 8080 accept; }
    }`,
    /cannot be foretold: inet filter input: /,
  ],
  [
    'an address that a rule writes',
    `table inet filter { ${INPUT} iif lo accept; ct state established,related accept; ${ICMP}; tcp dport 8080 ip daddr set 198.18.241.1; tcp dport 8080 accept; } }`,
    /cannot be foretold: inet filter input: tcp dport 8080 ip daddr set/,
  ],
]

describe('the same ports are open and closed before the patch, under it, and after it', () => {
  test.each(RULE_SETS)('%s', { timeout: 60_000 }, (_title, rules) => {
    load(rules)
    const before = listed()
    const reached = reach()
    expect(trackedTo(OPEN) > 0).toBe(!rules.includes('notrack'))
    const live = liveRules()
    const patch = patchFor(live)
    if (!patch.safe) throw new Error(`${patch.why}: ${patch.rule}`)
    const steps = stepsFor(patch.edits)
    const undos = steps.map((step) => {
      const plan = planOf(step)
      if (!plan.needed) return null
      act(plan.apply)
      return plan.undo
    })
    expect(reach(), listed()).toEqual(reached)
    expect(trackedTo(OPEN)).toBe(0)
    // A plan made now wants what is there.
    const again = patchFor(liveRules())
    if (!again.safe) throw new Error(`${again.why}: ${again.rule}`)
    expect(stepsFor(again.edits).map((step) => planOf(step).needed)).toEqual(stepsFor(again.edits).map(() => false))
    for (const undo of undos.toReversed()) if (undo !== null) act(undo)
    expect(listed()).toBe(before)
    expect(reach()).toEqual(reached)
  })
})

describe('refused, with the rule', () => {
  test.each(REFUSED)('%s', (_title, rules, why) => {
    load(rules)
    const patch = patchFor(liveRules())
    expect(patch.safe ? 'safe' : `${patch.why}: ${patch.rule}`).toMatch(why)
  })
})

/** Rules that decide nothing: they go, and come back at their places with their text. */
const REMOVABLE: readonly (readonly [title: string, rules: string, gone: number])[] = [
  [
    'an accept before other accepts',
    `table inet filter { chain input { type filter hook input priority filter; policy accept; iif lo accept; ct state established,related accept; tcp dport 8080 accept; } }`,
    1,
  ],
  [
    'three in a row, at the top and at the end, and two that say the same',
    `table inet filter {
      chain input { type filter hook input priority filter; policy accept;
        ct state untracked counter accept
        ct state established counter accept
        ct state related accept
        tcp dport 8080 accept
        ct state new log prefix "new: "
        ct state new accept
        ct state vmap { established : accept, new : accept }
        tcp dport 9090 accept
        ct state related accept
        ct state new accept
      }
      chain empty { ct state new return; }
    }`,
    9,
  ],
  [
    'only stateful rules, in tables of two families',
    `table ip a { chain input { type filter hook input priority 0; ct state new accept; ct state established accept; } }
     table ip6 a { chain input { type filter hook input priority 0; ct state { new, related } accept; } }`,
    3,
  ],
]

describe('stateful rules that decide nothing go, and come back as they were', () => {
  test.each(REMOVABLE)('%s', { timeout: 60_000 }, (_title, rules, gone) => {
    load(rules)
    const before = listed()
    const reached = reach()
    const removal = removableStatefulRules(liveRules())
    if (!removal.removable) throw new Error(`${removal.why}: ${removal.rule}`)
    expect(removal.edits.length).toBe(gone)
    const steps = stepsFor(removal.edits)
    for (const step of steps) {
      const plan = planOf(step)
      if (!plan.needed) throw new Error('nothing to do')
      act(plan.apply)
      expect(listed()).not.toMatch(/ct state/)
      expect(reach()).toEqual(reached)
      expect(planOf(step).needed).toBe(false)
      act(plan.undo)
      act(plan.undo)
    }
    expect(listed()).toBe(before)
    expect(reach()).toEqual(reached)
  })

  const RULES = `table inet filter { chain input { type filter hook input priority 0; tcp dport 1 accept; ct state new accept; ct state related accept; ct state new accept; tcp dport 2 accept; } }`

  test('beside the neighbour that is left, in their order, when the other is gone', () => {
    load(RULES)
    for (const [gone, left] of [
      ['tcp dport 1 accept', 'tcp dport 2 accept'],
      ['tcp dport 2 accept', 'tcp dport 1 accept'],
    ] as const) {
      load(RULES)
      const [step] = stepsFor(removal().edits) as [Step]
      const plan = planOf(step)
      if (!plan.needed) throw new Error('nothing to do')
      act(plan.apply)
      deleteRule(gone)
      act(plan.undo)
      const back = ['ct state new accept', 'ct state related accept', 'ct state new accept']
      expect(rulesOf()).toEqual(gone.includes(' 1 ') ? [...back, left] : [left, ...back])
    }
  })

  test('but not beside a stranger that got a neighbour’s handle in a reload', () => {
    load(RULES)
    const [step] = stepsFor(removal().edits) as [Step]
    const plan = planOf(step)
    if (!plan.needed) throw new Error('nothing to do')
    act(plan.apply)
    load(RULES.replaceAll('tcp dport', 'udp dport').replaceAll(/ct state [a-z]+ accept; /g, ''))
    const reloaded = listed()
    expect(() => act(plan.undo)).toThrow(/neither neighbour is in chain inet filter input/)
    expect(listed()).toBe(reloaded)
  })

  test('a rule that the host prints otherwise than we do is found out beforehand', () => {
    load(RULES)
    const edits = removal().edits.map((edit, at) => (at === 1 ? { ...edit, spec: 'ct state  related accept' } : edit))
    const [step] = stepsFor(edits) as [Step]
    const plan = step.plan(act(step.probe))
    expect(plan).toEqual({
      known: false,
      why: expect.stringMatching(/otherwise.*inet filter input: ct state {2}related accept/),
    })
  })

  function removal() {
    const found = removableStatefulRules(liveRules())
    if (!found.removable) throw new Error(found.why)
    return found
  }
})

function patchFor(live: readonly LiveRules[]) {
  return notrackPatch(live, [{ protocol: 'tcp', port: OPEN }], { families: ['ip', 'ip6'], backend: 'native' })
}

function stepsFor(edits: readonly unknown[]): readonly Step[] {
  const kind = STEP_KINDS.find((each) => each.kind === 'firewall')
  if (kind === undefined) throw new Error('no such step')
  return edits.length === 0 ? [] : kind.bind({ edits })
}

type Text = { readonly text: string } | { readonly impossible: string }

function planOf(step: Step) {
  const plan = step.plan(act(step.probe))
  if (!plan.known) throw new Error(plan.why)
  return plan.value
}

function act(script: Text): string {
  if ('impossible' in script) throw new Error(script.impossible)
  return inHost(['sh', '-c', script.text])
}

function load(rules: string): void {
  // Older nft takes no closing bracket on the line of a rule.
  inHost(['nft', '-f', '-'], `flush ruleset\n${rules.replaceAll(/; *\}/g, ';\n}\n').replaceAll(/\} *\}/g, '}\n}')}`)
}

function listed(): string {
  return inHost(['nft', '-s', 'list', 'ruleset'])
}

function liveRules(): readonly LiveRules[] {
  const ruleset = parseNft(inHost(['nft', '-j', 'list', 'ruleset']))
  if (!ruleset.known) throw new Error(ruleset.why)
  const rules = nativeRules(ruleset.value, () => false)
  if (!rules.known) throw new Error(rules.why)
  return rules.value
}

function rulesOf(): readonly string[] {
  return listed()
    .split('\n')
    .filter((line) => /^\t\t(?!type)/.test(line))
    .map((line) => line.trim())
}

function deleteRule(text: string): void {
  const line = inHost(['nft', '-a', 'list', 'ruleset'])
    .split('\n')
    .find((each) => each.includes(text))
  inHost(['nft', 'delete', 'rule', 'inet', 'filter', 'input', 'handle', line?.split(' # handle ')[1] ?? ''])
}

/** Which ports answer a word twice, from outside and on the host itself, by either family. */
function reach(): Record<string, boolean> {
  const asked = (from: string, addresses: readonly string[]) => {
    const all = addresses.flatMap((address) => PORTS.map((port) => ({ address, port })))
    const ask = `const all = ${JSON.stringify(all)}
Promise.all(all.map(({ address, port }) => new Promise((done) => {
  const s = require('net').connect(port, address, () => s.write('a'))
  let seen = 0
  s.on('data', () => { seen += 1; if (seen === 2) { s.destroy(); done(true) } else s.write('b') })
  s.on('error', () => done(false))
  setTimeout(() => { s.destroy(); done(false) }, 700)
}))).then((ok) => { console.log(JSON.stringify(ok)); process.exit() })`
    const said = execFileSync('ip', ['netns', 'exec', from, process.execPath, '-e', ask], { encoding: 'utf8' })
    const ok: readonly boolean[] = JSON.parse(said)
    return all.map(({ address, port }, at): [string, boolean] => [
      `${from === host ? 'itself' : 'outside'} ${address} ${port}`,
      ok[at] === true,
    ])
  }
  return Object.fromEntries([...asked(client, [V4.host, V6.host]), ...asked(host, ['127.0.0.1', '::1', V4.host])])
}

/** Entries of new connections to a port. */
function trackedTo(port: number): number {
  tryRun('ip', 'netns', 'exec', host, 'conntrack', '-F')
  reach()
  const table = inHost(['sh', '-c', 'cat /proc/net/nf_conntrack 2> /dev/null || conntrack -L 2> /dev/null; :'])
  return table.split('\n').filter((line) => line.includes(`dport=${port} `)).length
}

function inHost(command: readonly string[], input = ''): string {
  try {
    return execFileSync('ip', ['netns', 'exec', host, ...command], { encoding: 'utf8', input, stdio: 'pipe' })
  } catch (error) {
    throw new Error(String((error as { readonly stderr?: string }).stderr))
  }
}

function makeNetwork(): void {
  for (const name of [host, client]) {
    tryRun('ip', 'netns', 'del', name)
    run('netns', 'add', name)
    run('-n', name, 'link', 'set', 'lo', 'up')
  }
  run('-n', host, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', client)
  for (const [name, at] of [
    [host, 'host'],
    [client, 'client'],
  ] as const) {
    run('-n', name, 'addr', 'add', `${V4[at]}/24`, 'dev', 'eth0')
    run('-n', name, 'addr', 'add', `${V6[at]}/64`, 'dev', 'eth0', 'nodad')
    run('-n', name, 'link', 'set', 'eth0', 'up')
  }
}

function run(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' })
}

function whatIsMissing(): string | null {
  if (process.getuid?.() !== 0) return 'only root can make network namespaces'
  const works =
    tryRun('ip', 'netns', 'add', host) &&
    tryRun('ip', 'netns', 'exec', host, 'nft', '-j', 'list', 'ruleset') &&
    tryRun('ip', 'netns', 'exec', host, 'nft', 'add table inet t; add chain inet t c; add rule inet t c notrack')
  tryRun('ip', 'netns', 'del', host)
  return works ? null : 'no network namespaces with nft and notrack here'
}

function tryRun(command: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
