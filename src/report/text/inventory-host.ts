import type { Complaint } from '../../input/complaint.ts'
import { printComplaint } from '../../input/complaint.ts'
import type { Value } from '../../inventory/inventory.ts'
import type { Host, SshWay } from '../../model/host.ts'
import type { Json } from '../../model/json.ts'
import { type Paper, paragraph } from '../format.ts'
import { section } from './parts.ts'
import { type Row, rows } from './rows.ts'

/** All that an inventory says of one host. `way` is null where it cannot be worked out, and `complaints` say why. */
export type ShownHost = {
  readonly name: string
  readonly groups: readonly string[]
  readonly way: Host | null
  readonly complaints: readonly Complaint[]
  /** What is asked for and not followed. */
  readonly notes: readonly string[]
  readonly values: ReadonlyMap<string, Value>
  /** Which passwords the inventory holds for it; they are shown nowhere. */
  readonly passwords: readonly string[]
}

/** How a host is reached, and every value of it with the place where it is written. */
export function inventoryHostText(paper: Paper, shown: ShownHost): readonly string[] {
  const { name, groups, way, complaints, notes, values } = shown
  return [
    ...paragraph(paper, { first: '', rest: '  ' }, { tone: 'strong', text: name }, ` in ${groups.join(', ')}`),
    ...(way === null ? [] : section(paper, 'Reached', rows(paper, wayRows(way, shown)))),
    ...section(
      paper,
      'Cannot be reached as it is written',
      complaints.flatMap((complaint) =>
        printComplaint(complaint)
          .split('\n')
          .flatMap((line) => paragraph(paper, { first: '    ', rest: '      ' }, line)),
      ),
    ),
    ...section(
      paper,
      'To know',
      notes.flatMap((note) => paragraph(paper, { first: '    ', rest: '      ' }, note)),
    ),
    ...section(
      paper,
      'Values',
      [...values].flatMap(([key, { value, at }]) =>
        paragraph(paper, { first: '    ', rest: '      ' }, { tone: 'strong', text: key }, `: ${valueText(value)} `, {
          tone: 'faint',
          text: `(${at})`,
        }),
      ),
    ),
  ]
}

function wayRows(way: Host, { passwords }: ShownHost): readonly Row[] {
  const { jumps = [], become, becomeUser, pair } = way
  const root = become === 'none' ? 'by nothing: the user that logs in has to be root' : `by ${become}`
  const other = becomeUser === undefined || becomeUser === 'root' ? '' : `, as ${becomeUser}`
  return [
    ['named in', way.origin],
    ['transport', transportText(way)],
    ...(way.transport === 'local' ? [] : sshRows(way)),
    ...jumps.map((jump, at): Row => [at === 0 ? 'through' : 'then through', doorText(jump)]),
    ['root', root + other],
    ...(passwords.length === 0
      ? []
      : [['passwords', `${passwords.join(' and ')}, from the inventory (hidden)`] as const]),
    ...(pair === undefined ? [] : [['pair', pair] as const]),
    ...(way.gateway === true
      ? [['gateway', 'others are reached through it: it changes last, and alone'] as const]
      : []),
  ]
}

function transportText({ transport, whyOpenssh }: Host): string {
  switch (transport) {
    case 'ssh':
      return "ssh, ctfleet's own"
    case 'openssh':
      return `the system's ssh${whyOpenssh === undefined ? '' : `, for ${whyOpenssh}`}`
    case 'local':
      return 'none: it is this machine'
  }
}

function sshRows(way: SshWay): readonly Row[] {
  const list = (label: string, all: readonly string[] | undefined): readonly Row[] =>
    all === undefined || all.length === 0 ? [] : [[label, all.join(', ')]]
  return [
    ['address', `${way.address}, port ${way.port}${familyText(way)}`],
    ['user', way.user],
    ['keys', keysText(way)],
    ...list('certificates', way.certificateFiles),
    ...(way.identityAgent === undefined ? [] : [['agent', way.identityAgent] as const]),
    ...list('logs in by', way.preferredAuthentications),
    ...list('known hosts', way.knownHostsFiles),
    ...(way.hostKeyAlias === undefined ? [] : [['known as', way.hostKeyAlias] as const]),
    ...(way.acceptNewKeys === true ? [['new host keys', 'are taken and written down'] as const] : []),
    ...(way.forwardAgent === true ? [['agent forwarding', 'yes'] as const] : []),
    ...list('options of ssh', way.opensshOptions),
  ]
}

function keysText({ identityFiles, identitiesOnly }: SshWay): string {
  const [only] = identityFiles
  if (only === undefined) return "the agent's, and the usual files in ~/.ssh"
  if (only === 'none' && identityFiles.length === 1) return "the agent's"
  return `${identityFiles.join(', ')}${identitiesOnly === true ? ', and no others' : ", and the agent's"}`
}

function familyText({ addressFamily }: SshWay): string {
  if (addressFamily === undefined) return ''
  return addressFamily === 'inet' ? ', IPv4 only' : ', IPv6 only'
}

function doorText({ user, address, port }: SshWay): string {
  return `${user}@${address.includes(':') ? `[${address}]` : address}:${port}`
}

/** As it would be written: text that could be taken for something else has quotes. */
function valueText(value: Json): string {
  if (typeof value !== 'string' || value === '' || value.trim() !== value || /^[\d.+-]|["\n]/.test(value))
    return JSON.stringify(value)
  return /^(?:true|false|null|yes|no|on|off|~)$/i.test(value) ? JSON.stringify(value) : value
}
