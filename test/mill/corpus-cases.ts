import type { Service } from '../../src/firewall/packet.ts'
import type { Family } from '../../src/firewall/rules.ts'
import { filesBelow, textOf } from '../firewall/corpus.ts'
import type { Case } from './mill.ts'
import type { Loaded } from './rule-kinds.ts'
import { type Guise, PLAIN } from './world.ts'

/** Every file of the corpus that holds rules as the save tools print them, with the services that its rules name. */
export function corpusCases(at: string): readonly Case[] {
  return filesBelow(at, '01-iptables-save').flatMap((path) => casesOf(textOf(at, path), path))
}

type SaveTool = 'legacy' | 'nft'

/** One rule set on both backends, as it is and with addresses that its accepts name on either side. */
export function casesOf(text: string, path: string): readonly Case[] {
  const lines = rulesIn(text)
  if (!lines.some((line) => line.startsWith('*')) || !lines.some((line) => line.startsWith('-A'))) return []
  const family: Family = /icmpv6|ipv6-icmp|icmp6-|::\/|reject-with icmp6/.test(text) ? 'ip6' : 'ip'
  const loaded = (kind: SaveTool): Loaded => ({ kind, family, text: `${lines.join('\n')}\n` })
  const texts: Readonly<Record<SaveTool, Loaded>> = { legacy: loaded('legacy'), nft: loaded('nft') }
  const [first, second] = portsOf(lines, 'tcp')
  const [udp] = portsOf(lines, 'udp')
  const tcp = (port: number): Service => ({ protocol: 'tcp', port })
  const services: readonly (readonly [service: Service, kind: SaveTool, dressed: boolean])[] = [
    [tcp(first ?? 80), 'legacy', false],
    [tcp(first ?? 80), 'nft', true],
    [tcp(second ?? 22), 'nft', false],
    ...(udp === undefined ? [] : ([[{ protocol: 'udp', port: udp }, 'legacy', true]] as const)),
  ]
  return services.map(([service, kind, dressed]): Case => {
    const guise = dressed ? dressFor(lines, family) : { ...PLAIN, interfaces: interfacesIn(lines) }
    const said = `${service.protocol} ${service.port} ${kind}${dressed ? ' dressed' : ''}`
    return {
      name: `${path}: ${said}`,
      rules: [texts[kind]],
      service,
      other: [second, first, 8081, 8082].find((port) => port !== undefined && port !== service.port) ?? 8083,
      guise,
      withSessions: said.endsWith('legacy') && service.protocol === 'tcp',
      rerun: `npx tsx test/mill/cli.ts --file ${path} --only '${said}'`,
    }
  })
}

/** Prompts, blank lines and prose go; what is left loads, or its lines are left out one by one. */
function rulesIn(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim().replace(/^\[\d+:\d+\] /, ''))
    .filter((line) => /^(\*[a-z]+|:\S+ .*|-A \S+.*|COMMIT)$/.test(line))
}

/** Destination ports by how often accepts name them, then those that other rules name; ssh's last. */
function portsOf(lines: readonly string[], protocol: Service['protocol']): readonly number[] {
  const mine = lines.filter((line) => line.includes(`-p ${protocol} `) && line.startsWith('-A '))
  const counts = new Map<number, number>()
  for (const line of mine) {
    const weight = line.endsWith('-j ACCEPT') ? 100 : 1
    const list = /(?<!! )--d(?:port|ports) ([\d,:]+)/.exec(line)?.[1] ?? ''
    for (const port of list.split(',').map((each) => Number.parseInt(each, 10))) {
      if (port > 0 && port < 65_536 && port !== 22) counts.set(port, (counts.get(port) ?? 0) + weight)
    }
  }
  return [...counts].sort(([, a], [, b]) => b - a).map(([port]) => port)
}

/** The interface that most rules see packets come in by, and the next. */
function interfacesIn(lines: readonly string[], wanted?: string): Guise['interfaces'] {
  const counts = new Map<string, number>(wanted === undefined ? [] : [[wanted, 1_000_000]])
  for (const line of lines) {
    for (const [, option, name = ''] of line.matchAll(/ -([io]) (\S+)/g)) {
      const real = name.replace('+', '0')
      if (isName(real)) counts.set(real, (counts.get(real) ?? 0) + (option === 'i' ? 100 : 1))
    }
  }
  const sorted = [...counts].sort(([, a], [, b]) => b - a).map(([name]) => name)
  const [near = 'eth0'] = sorted
  return [near, [...sorted.slice(1), 'eth1', 'eth0'].find((name) => name !== near) ?? 'eth2']
}

function isName(name: string): boolean {
  return name !== 'lo' && /^[A-Za-z0-9_.-]{1,15}$/.test(name)
}

/** Client and server with addresses that an accept asks for, on the interface that it asks for. */
function dressFor(lines: readonly string[], family: Family): Guise {
  const accepts = lines.filter((line) => /^-A (?!OUTPUT|FORWARD|POSTROUTING)/.test(line) && line.endsWith('-j ACCEPT'))
  const from = accepts.find((line) => addressIn(line, 's', family) !== null && line.includes(' -p '))
  const any = from ?? accepts.find((line) => addressIn(line, 's', family) !== null)
  const to = [from, ...accepts].find((line) => line !== undefined && addressIn(line, 'd', family) !== null)
  const client = any === undefined ? null : addressIn(any, 's', family)
  const server = to === undefined ? null : addressIn(to, 'd', family)
  const wanted = / -i (\S+)/.exec(any ?? '')?.[1]?.replace('+', '0')
  return {
    interfaces: interfacesIn(lines, wanted !== undefined && isName(wanted) ? wanted : undefined),
    ...(client === null ? {} : { client: { [family]: client } }),
    ...(server === null || server === client ? {} : { server: { [family]: server } }),
  }
}

/** An address out of the net that a rule names; null where none can be used here. */
function addressIn(line: string, option: 's' | 'd', family: Family): string | null {
  const [, address = '', bits] = new RegExp(`(?<!! )-${option} ([0-9a-fA-F.:]+)(?:/(\\d+))?(?= |$)`).exec(line) ?? []
  if (family === 'ip6') {
    if (!/^[23f][0-9a-f:]+$/i.test(address) || /^f[ef]/i.test(address)) return null
    return bits === undefined || bits === '128' ? address : `${address.replace(/:*$/, '')}::7`
  }
  const parts = address.split('.').map(Number)
  const [first = 0] = parts
  if (parts.length !== 4 || first === 0 || first === 127 || first >= 224 || address.startsWith('198.18.')) return null
  if (Number(bits ?? 32) > 29) return address
  return [...parts.slice(0, 3), ((parts[3] ?? 0) & 248) + 7].join('.')
}
