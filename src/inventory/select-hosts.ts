import { type Complaint, InputError, quoted } from '../input/complaint.ts'
import { didYouMean } from '../input/nearest.ts'
import { readNamePattern, subscripted } from './name-matcher.ts'
import { type Pattern, readPatterns } from './patterns.ts'

/** What a pattern chooses from: an inventory, or the hosts of a plan, of a run, of recorded facts. */
export type Choosable<H> = {
  readonly file: string
  readonly hosts: readonly H[]
  /** `hosts` are all that a group holds, in the order that a subscript counts in. */
  readonly groups: readonly { readonly name: string; readonly hosts: readonly string[] }[]
  /** Hosts that are in the inventory and cannot be reached as it is written. */
  readonly setAside?: readonly SetAside[]
}

type SetAside = {
  readonly name: string
  readonly groups: readonly string[]
  readonly complaints: readonly Complaint[]
}

type Named = { readonly name: string }

export type Selection<H> = {
  readonly hosts: readonly H[]
  /** Those that the pattern names too. */
  readonly setAside: readonly SetAside[]
}

/**
 * The hosts that a pattern names, in the inventory's order, as `ansible --limit` would have them: names and groups, globs
 * (`web-*`), regular expressions (`~web\d+`), subscripts of groups (`web[0:2]`), and files with one pattern a line
 * (`@failed.txt`), joined by commas or colons; `&group` keeps only those in it, `!name` takes out. Without a pattern: all.
 * @throws InputError where a part of it names nothing, or all of it leaves nobody, or only hosts that are set aside.
 */
export function selectHosts<H extends Named>(inventory: Choosable<H>, limit?: string): readonly H[] {
  return selectReachable(inventory, limit).hosts
}

/** The same, with those that the pattern names too and that are set aside. */
export function selectReachable<H extends Named>(inventory: Choosable<H>, limit?: string): Selection<H> {
  const selection = selectFrom(inventory, limit)
  if (selection.hosts.length > 0 || selection.setAside.length === 0) return selection
  throw new InputError(distinct(selection.setAside))
}

/** The same, where hosts that are set aside may be all there is. */
export function selectFrom<H extends Named>(inventory: Choosable<H>, limit?: string): Selection<H> {
  const { hosts, setAside = [] } = inventory
  const chosen = limit === undefined ? null : chosenNames(inventory, limit)
  const isMeant = ({ name }: Named) => chosen === null || chosen.has(name)
  const selection = { hosts: hosts.filter(isMeant), setAside: setAside.filter(isMeant) }
  if (limit === undefined || selection.hosts.length + selection.setAside.length > 0) return selection
  throw new InputError([complaint(`${quoted(limit)} leaves no host of ${inventory.file}`, null)])
}

function chosenNames(inventory: Choosable<Named>, limit: string): ReadonlySet<string> {
  const known = knownNames(inventory)
  const parts = readPatterns(limit, (name) => known.hosts.has(name))
  const found = parts.map((part) => ({ ...part, ...matchPattern(part, known) }))
  const complaints = found.flatMap(({ matched, ...part }) =>
    'wrong' in matched ? [unmatched(part, matched.wrong, known, inventory.file)] : [],
  )
  if (complaints.length > 0) throw new InputError(complaints)

  const namesOf = (sign: Pattern['sign']) =>
    found.flatMap((each) => (each.sign === sign && 'names' in each.matched ? [new Set(each.matched.names)] : []))
  const plain = namesOf('')
  const all = plain.length === 0 && found.length > 0 ? [known.hosts] : plain
  const chosen = new Set(all.flatMap((names) => [...names]))
  for (const names of namesOf('&')) for (const name of chosen) if (!names.has(name)) chosen.delete(name)
  for (const names of namesOf('!')) for (const name of names) chosen.delete(name)
  return chosen
}

type Known = {
  readonly hosts: ReadonlySet<string>
  readonly groups: readonly { readonly name: string; readonly hosts: readonly string[] }[]
}

/** Hosts that are set aside are known all the same, and belong to their groups. */
function knownNames({ hosts, groups, setAside = [] }: Choosable<Named>): Known {
  const withAside = groups.map(({ name, hosts: members }) => {
    const aside = setAside.filter((host) => name === 'all' || host.groups.includes(name)).map((host) => host.name)
    return { name, hosts: aside.length === 0 ? members : [...new Set([...members, ...aside])] }
  })
  return { hosts: new Set([...hosts, ...setAside].map(({ name }) => name)), groups: withAside }
}

type Matched = { readonly names: readonly string[] } | { readonly wrong: Wrong }
type Wrong = { readonly type: 'nothing' } | { readonly type: 'beyond' } | { readonly type: 'unreadable'; why: string }

function matchPattern({ sign, text }: Pattern, { hosts, groups }: Known): { readonly matched: Matched } {
  // As in Ansible: what is a host as it stands is that host, whatever else it could mean.
  if (sign === '' && hosts.has(text)) return { matched: { names: [text] } }
  const pattern = readNamePattern(text)
  if ('wrong' in pattern) return { matched: { wrong: { type: 'unreadable', why: pattern.wrong } } }
  const { matches, isPlain, subscript } = pattern
  const inGroups = groups.filter(({ name }) => matches(name))
  const ofHosts = inGroups.length > 0 && isPlain ? [] : [...hosts].filter(matches)
  if (inGroups.length === 0 && ofHosts.length === 0) return { matched: { wrong: { type: 'nothing' } } }
  // A host in two of the groups counts twice here, as it does in Ansible.
  const names = subscripted([...inGroups.flatMap((group) => group.hosts), ...ofHosts], subscript)
  return { matched: names === undefined ? { wrong: { type: 'beyond' } } : { names } }
}

function unmatched({ text, file, line }: Pattern, wrong: Wrong, known: Known, inventory: string): Complaint {
  const place = { file, line, column: line === null ? null : 1, path: '' }
  switch (wrong.type) {
    case 'unreadable':
      return { ...place, message: `${quoted(text)} cannot be read: ${wrong.why}`, hint: SYNTAX }
    case 'beyond':
      return {
        ...place,
        message: `there are fewer hosts than ${quoted(text)} counts`,
        hint: 'the first one has number 0',
      }
    case 'nothing': {
      const names = [...known.hosts, ...known.groups.map(({ name }) => name)]
      const message = `no host or group of ${inventory} matches ${quoted(text)}`
      const near = didYouMean(text, names) ?? `it knows ${listed(names.filter((each) => each !== 'ungrouped'))}`
      return { ...place, message, hint: near }
    }
  }
}

const SYNTAX = 'after ~ stands a regular expression; a glob has *, ? and [abc]'

/** What is wrong with several hosts for the same reason is written in one place. */
function distinct(setAside: readonly SetAside[]): readonly Complaint[] {
  const all = setAside.flatMap(({ complaints }) => complaints)
  return [...new Map(all.map((each) => [JSON.stringify(each), each])).values()]
}

function listed(names: readonly string[]): string {
  return names.length <= 12 ? names.join(', ') : `${names.slice(0, 12).join(', ')} and ${names.length - 12} more`
}

function complaint(message: string, hint: string | null): Complaint {
  return { file: '--limit', line: null, column: null, path: '', message, hint }
}
