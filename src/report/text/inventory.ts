import { counted } from '../../diagnosis/numbers.ts'
import { type Complaint, printComplaint } from '../../input/complaint.ts'
import type { Group, Inventory, SetAside } from '../../inventory/inventory.ts'
import type { Host } from '../../model/host.ts'
import { type Paper, paragraph, visible } from '../format.ts'
import { groups } from './groups.ts'
import { section } from './parts.ts'
import { rows } from './rows.ts'
import { names } from './status.ts'

/** As much of an inventory as is asked for, and the ways to its hosts as far as they could be worked out. */
export type Shown = {
  readonly inventory: Inventory
  /** Names of hosts, those set aside among them. */
  readonly chosen: ReadonlySet<string>
  readonly ways: readonly Host[]
  /** What is wrong with the way to some. */
  readonly wrong: readonly Complaint[]
  /** What is asked for and not followed. */
  readonly notes: readonly { readonly host: string; readonly note: string }[]
}

/** What was read and understood: files, groups, how hosts are reached, and which ones cannot be. */
export function inventoryText(paper: Paper, { inventory, chosen, ways, wrong, notes }: Shown): readonly string[] {
  const { file, files, setAside } = inventory
  const inGroups = inventory.groups.flatMap((group): readonly (readonly [string, string])[] => {
    const held = group.hosts.filter((name) => chosen.has(name))
    if (group.name === 'all' || held.length === 0) return []
    return [[group.name, `${counted(held.length, 'host', 'hosts')}: ${names(held.map(asHost), 5)}`]]
  })
  const aside = setAside.filter(({ name }) => chosen.has(name))
  return [
    ...paragraph(
      paper,
      { first: '', rest: '  ' },
      { tone: 'strong', text: file },
      `: ${counted(chosen.size, 'host', 'hosts')} in ${counted(inGroups.length, 'group', 'groups')}`,
      ...(aside.length === 0 ? [] : [', ', { tone: 'warn', text: `${aside.length} set aside` } as const]),
    ),
    ...section(
      paper,
      'Read',
      labelled(
        paper,
        files.map((name) => [name, ''] as const),
      ),
    ),
    ...section(paper, 'Groups', labelled(paper, inGroups)),
    ...section(
      paper,
      'Reached',
      rows(
        paper,
        groups(ways, transportOf).map(([way, all]) => [way, names(all.map(named), 10)]),
      ),
    ),
    ...section(
      paper,
      'Set aside: nothing is done to these until it is mended',
      groups(aside, causeOf).flatMap(([, hosts]) => [
        ...paragraph(paper, { first: '    ', rest: '      ' }, { tone: 'warn', text: names(hosts.map(named)) }),
        ...(hosts[0]?.complaints ?? []).flatMap((each) => toldLines(paper, printComplaint(each))),
      ]),
    ),
    ...section(
      paper,
      'To know',
      groups(notes, ({ note }) => note).flatMap(([note, hosts]) =>
        paragraph(paper, { first: '    ', rest: '      ' }, `${names(hosts)}: ${note}`),
      ),
    ),
    ...section(
      paper,
      'Ways that cannot be worked out',
      wrong.flatMap((each) => toldLines(paper, printComplaint(each))),
    ),
    ...section(
      paper,
      'What programs said',
      inventory.notes.flatMap((note) => paragraph(paper, '    ', note)),
    ),
  ]
}

/** Groups in groups, and hosts in them, drawn as `ansible-inventory --graph` draws them; with a limit those that hold somebody. */
export function graphText({ inventory, chosen }: Shown, isWhole: boolean): readonly string[] {
  const byName = new Map(inventory.groups.map((group) => [group.name, group]))
  const lineOf = (name: string, depth: number) => `${'  |'.repeat(depth)}${depth === 0 ? '' : '--'}${visible(name)}`
  const drawn = (group: Group, depth: number): readonly string[] => {
    if (!isWhole && depth > 0 && !group.hosts.some((name) => chosen.has(name))) return []
    const below = group.children.flatMap((name) => byName.get(name) ?? []).flatMap((child) => drawn(child, depth + 1))
    const own = group.name === 'all' ? [] : group.own.filter((name) => chosen.has(name))
    return [lineOf(`@${group.name}:`, depth), ...below, ...own.map((name) => lineOf(name, depth + 1))]
  }
  const all = byName.get('all')
  return all === undefined ? [] : drawn(all, 0)
}

/** The same mistake in several places is shown in the first one. */
function causeOf({ complaints }: SetAside): string {
  return JSON.stringify(complaints.map(({ message, hint }) => [message, hint]))
}

function transportOf({ transport }: Host): string {
  return TRANSPORTS[transport]
}

const TRANSPORTS: Readonly<Record<Host['transport'], string>> = {
  ssh: 'over ssh',
  openssh: "by the system's ssh",
  local: 'on this machine',
}

/** Names of files and groups may be longer than the column that `rows` has. */
function labelled(paper: Paper, all: readonly (readonly [label: string, text: string])[]): readonly string[] {
  return all.flatMap(([label, text]) =>
    paragraph(paper, { first: '    ', rest: '      ' }, text === '' ? label : `${label}: ${text}`),
  )
}

function toldLines(paper: Paper, told: string): readonly string[] {
  return told.split('\n').flatMap((line) => paragraph(paper, { first: '      ', rest: '        ' }, line))
}

function named({ name }: { readonly name: string }): { readonly host: string } {
  return { host: name }
}

function asHost(name: string): { readonly host: string } {
  return { host: name }
}
