import { setTimeout as sleep } from 'node:timers/promises'
import type { Family } from '../../src/firewall/rules.ts'
import { must, run } from '../lab/command.ts'
import { addressOf, addressText, network } from './addresses.ts'
import { Agent } from './agent.ts'

export type Tool = 'legacy' | 'nft'

/** What can be told about the host under test without looking at it. */
export type Guise = {
  readonly interfaces: readonly string[]
  readonly own: Readonly<Record<Family, readonly bigint[]>>
}

/** A frame on the host's cable, or a packet that the host itself sends out of one interface. */
export type Sending = {
  readonly family: Family
  readonly from: 'wire' | 'host'
  readonly interface: string
  readonly bytes: readonly Buffer[]
}

export const PLAIN: Guise = {
  interfaces: ['eth0', 'eth10', 'wan0'],
  own: {
    ip: ['198.18.0.1', '198.18.127.255', '198.19.200.9'].map(addressOf),
    ip6: ['fd00:198:18::1', 'fd00:198:18:7fff::ffff', 'fd00:198:18:c8::9'].map(addressOf),
  },
}

/**
 * A host that forwards, in a network namespace, and the other ends of its cables in a second one that has no addresses, so
 * that nothing is said but what we send. The host's own answers find no route: each counter counts our packets alone.
 */
export class World implements AsyncDisposable {
  readonly guise: Guise
  readonly #names: Names
  readonly #macs: ReadonlyMap<string, Buffer>
  readonly #wires: Agent
  readonly #host: Agent

  private constructor(
    guise: Guise,
    names: Names,
    parts: { macs: ReadonlyMap<string, Buffer>; wires: Agent; host: Agent },
  ) {
    this.guise = guise
    this.#names = names
    this.#macs = parts.macs
    this.#wires = parts.wires
    this.#host = parts.host
  }

  static async open(guise: Guise): Promise<World> {
    const number = ++count
    const names = { host: `ctk${process.pid}-${number}h`, wires: `ctk${process.pid}-${number}w` }
    try {
      for (const name of [names.host, names.wires]) await must(['ip', 'netns', 'add', name])
      await must(['ip', 'netns', 'exec', names.host, 'sh', '-c', SYSCTLS])
      await must([
        'ip',
        'netns',
        'exec',
        names.wires,
        'sh',
        '-c',
        'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6',
      ])
      const links = guise.interfaces.flatMap((name) => [
        `link add ${name} type veth peer name ${name} netns ${names.wires}`,
        `link set ${name} addrgenmode none`,
        `link set ${name} arp off up`,
      ])
      await batch(names.host, ['link set lo up', ...links])
      await batch(
        names.wires,
        guise.interfaces.map((name) => `link set ${name} arp off up`),
      )
      await batch(names.host, routing(guise, 'ip'))
      await batch(names.host, routing(guise, 'ip6'), '-6')
      const [wires, host] = await Promise.all([
        Agent.start(
          names.wires,
          guise.interfaces.map((name) => `packet:${name}`),
        ),
        Agent.start(
          names.host,
          ['lo', ...guise.interfaces].flatMap((name) => [`raw4:${name}`, `raw6:${name}`]),
        ),
      ])
      return new World(guise, names, { macs: await macsIn(names.host), wires, host })
    } catch (error) {
      await remove(names)
      throw error
    }
  }

  /** Puts a whole rule set in place of the one before; null, or what the tool complained about. */
  async load(family: Family, tool: Tool, rules: string): Promise<string | null> {
    const ended = await this.#run([`${tools(family)}-${tool}-restore`], rules)
    return ended.code === 0 ? null : (ended.stderr || ended.stdout || `exit code ${ended.code}`).trim()
  }

  /** The live rules as the tool prints them, with counters. */
  async save(family: Family, tool: Tool): Promise<string> {
    const ended = await this.#run([`${tools(family)}-${tool}-save`, '-c'])
    if (ended.code !== 0) throw new Error(`${tools(family)}-${tool}-save exited ${ended.code}: ${ended.stderr}`)
    return ended.stdout
  }

  /** Puts nft's rules in place of all that nf_tables holds; null, or what nft complained about. */
  async loadNft(rules: string): Promise<string | null> {
    const ended = await this.#run(['nft', '-f', '-'], `flush ruleset\n${rules}`)
    return ended.code === 0 ? null : (ended.stderr || `exit code ${ended.code}`).trim()
  }

  /** All that nf_tables holds, with counters, for programs or for people. */
  async listNft(as: 'json' | 'text'): Promise<string> {
    const ended = await this.#run(['nft', ...(as === 'json' ? ['-j'] : ['-a', '-s']), 'list', 'ruleset'])
    if (ended.code !== 0) throw new Error(`nft list ruleset exited ${ended.code}: ${ended.stderr}`)
    return ended.stdout
  }

  async forgetFlows(): Promise<void> {
    for (const family of ['ipv4', 'ipv6']) {
      const ended = await this.#run(['conntrack', '-F', '-f', family])
      if (ended.code !== 0) throw new Error(`conntrack -F exited ${ended.code}: ${ended.stderr}`)
    }
  }

  /** Returns when the host has dealt with every packet. */
  async send(sendings: readonly Sending[]): Promise<void> {
    const before = await this.#host.received()
    const wires = sendings.filter(({ from }) => from === 'wire')
    const own = sendings.filter(({ from }) => from === 'host')
    await this.#wires.send(
      wires.flatMap((each) =>
        each.bytes.map((bytes) => ({ port: `packet:${each.interface}`, bytes: this.#framed(each, bytes) })),
      ),
    )
    const expected = { ip: before.ip, ip6: before.ip6 }
    for (const { family, bytes } of wires) expected[family] += bytes.length
    for (let tries = 0; ; tries += 1) {
      const now = await this.#host.received()
      if (now.ip >= expected.ip && now.ip6 >= expected.ip6) break
      if (tries > 200) throw new Error(`of ${JSON.stringify(expected)} packets only ${JSON.stringify(now)} came in`)
      await sleep(10)
    }
    await this.#host.send(
      own.flatMap((each) =>
        each.bytes.map((bytes) => ({ port: `raw${each.family === 'ip' ? 4 : 6}:${each.interface}`, bytes })),
      ),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#wires.close()
    await this.#host.close()
    await remove(this.#names)
  }

  #run(command: readonly string[], input = '') {
    return run(['ip', 'netns', 'exec', this.#names.host, ...command], { input, timeoutSeconds: 60 })
  }

  #framed({ family, interface: name }: Sending, bytes: Buffer): Buffer {
    const head = Buffer.alloc(14)
    ;(this.#macs.get(name) as Buffer).copy(head, 0)
    head.write('02c7f1ee0001', 6, 'hex')
    head.writeUInt16BE(family === 'ip' ? 0x0800 : 0x86dd, 12)
    return Buffer.concat([head, bytes])
  }
}

/** The way out for a packet that is forwarded. */
export function routeOf({ interfaces }: Guise, family: Family, destination: bigint): string {
  const found = ROUTES[family].find(({ first, last }) => first <= destination && destination <= last)
  return interfaces[(found?.interface ?? 0) % interfaces.length] as string
}

type Names = { readonly host: string; readonly wires: string }
let count = 0

/** More exact ones first; what none of them covers leaves by the first interface. */
const ROUTES: Readonly<Record<Family, readonly { text: string; first: bigint; last: bigint; interface: number }[]>> = {
  ip: [
    route('ip', '198.18.64.0', 18, 1),
    route('ip', '198.18.128.0', 17, 2),
    route('ip', '198.19.0.0', 16, 1),
    route('ip', '64.0.0.0', 2, 1),
    route('ip', '128.0.0.0', 2, 2),
  ],
  ip6: [
    route('ip6', 'fd00:198:18:4000::', 50, 1),
    route('ip6', 'fd00:198:18:8000::', 49, 2),
    route('ip6', '2001::', 16, 1),
    route('ip6', '2a00::', 8, 2),
  ],
}

function route(family: Family, address: string, length: number, index: number) {
  const [first, last] = network(family, addressOf(address), length)
  return { text: `${address}/${length}`, first, last, interface: index }
}

/**
 * What comes in is routed as ever. What leaves by a socket that is bound to an interface leaves there, which ours alone are;
 * all else that the host itself has to say runs into a black hole.
 */
function routing({ interfaces, own }: Guise, family: Family): readonly string[] {
  return [
    ...own[family].map((address) =>
      `addr add ${addressText(family, address)} dev lo nodad`.replace(family === 'ip' ? ' nodad' : '', ''),
    ),
    ...interfaces.map((name) => `rule add pref 10 iif ${name} lookup local`),
    'rule add pref 20 oif lo lookup local',
    ...interfaces.map((name, index) => `rule add pref 21 oif ${name} lookup ${1000 + index}`),
    ...[...own[family].map((address) => addressText(family, address)), family === 'ip' ? '127.0.0.0/8' : '::1'].flatMap(
      (address) => answersFrom(address, family).map((each) => `rule add pref 30 ${each} blackhole`),
    ),
    // IPv6's addrtype asks for a route without a source, which the rules above let by.
    'rule add pref 40 lookup local',
    'rule add pref 50 iif lo blackhole',
    'rule del pref 0',
    ...interfaces.map((name, index) => `route add default dev ${name} table ${1000 + index}`),
    `route add default dev ${interfaces[0]}`,
    ...ROUTES[family].map(({ text, interface: at }) => `route add ${text} dev ${interfaces[at % interfaces.length]}`),
  ]
}

/**
 * An answer of ours has a port on one side at least, or ICMP's type in its place, and the route that nft's `fib` looks up for
 * IPv6 has neither. Rules take no port 65535.
 */
function answersFrom(address: string, family: Family): readonly string[] {
  if (family === 'ip') return [`from ${address} iif lo`]
  return ['sport', 'dport'].map((side) => `from ${address} iif lo ${side} 1-65534`)
}

const SYSCTLS = `cd /proc/sys/net
for at in all default lo; do
  echo 0 > ipv4/conf/$at/rp_filter
  echo 1 > ipv4/conf/$at/accept_local
  echo 0 > ipv4/conf/$at/send_redirects
  echo 0 > ipv6/conf/$at/accept_ra
  echo 0 > ipv6/conf/$at/router_solicitations
  echo 0 > ipv6/conf/$at/accept_dad
  echo 0 > ipv6/conf/$at/disable_ipv6
  # Reports on multicast listeners go out at once, and not into our counters.
  echo 10 > ipv6/conf/$at/mldv2_unsolicited_report_interval
done
# Its answers would go back by the interface that it was asked on, and so past the black hole.
echo 1 > ipv6/icmp/echo_ignore_all
echo 1 > ipv4/ip_forward
echo 1 > ipv6/conf/all/forwarding
echo 1 > ipv6/conf/default/forwarding
`

function tools(family: Family): 'iptables' | 'ip6tables' {
  return family === 'ip' ? 'iptables' : 'ip6tables'
}

async function batch(netns: string, lines: readonly string[], ...options: readonly string[]): Promise<void> {
  await must(['ip', ...options, '-n', netns, '-batch', '-'], { input: `${lines.join('\n')}\n` })
}

async function macsIn(netns: string): Promise<ReadonlyMap<string, Buffer>> {
  const links = JSON.parse(await must(['ip', '-n', netns, '-j', 'link'])) as readonly {
    ifname: string
    address: string
  }[]
  return new Map(links.map(({ ifname, address }) => [ifname, Buffer.from(address.replaceAll(':', ''), 'hex')]))
}

async function remove({ host, wires }: Names): Promise<void> {
  for (const name of [host, wires]) await run(['ip', 'netns', 'del', name])
}
