import { type Complaint, InputError, quoted } from '../input/complaint.ts'
import { didYouMean } from '../input/nearest.ts'

/** What a pattern chooses from: an inventory, or the hosts of a plan, of a run, of recorded facts. */
export type Choosable<H> = {
  readonly file: string
  readonly hosts: readonly H[]
  readonly groups: readonly { readonly name: string; readonly hosts: readonly string[] }[]
}

type Named = { readonly name: string }

/**
 * The hosts that a pattern names, in the inventory's order: names and groups, globs (`web-*`), joined by commas or
 * colons; `&group` keeps only those in it, `!name` takes out. Without a pattern: all.
 * @throws InputError where a part of it names nothing, or all of it leaves nobody.
 */
export function selectHosts<H extends Named>(inventory: Choosable<H>, limit?: string): readonly H[] {
  if (limit === undefined) return inventory.hosts
  const parts = limit.split(',').flatMap((part) => splitColons(part.trim(), inventory))
  const matched = parts.filter((part) => part !== '').map((part) => matchPart(part, inventory))
  const complaints = matched
    .filter((each) => each.hosts.size === 0 && !each.emptyGroup)
    .map((each) => unmatched(each.name, inventory))
  if (complaints.length > 0) throw new InputError(complaints)

  const plain = matched.filter(({ sign }) => sign === '')
  const included =
    plain.length === 0 && matched.length > 0
      ? inventory.hosts.map(({ name }) => name)
      : plain.flatMap(({ hosts }) => [...hosts])
  const chosen = new Set(included)
  for (const { sign, hosts } of matched)
    for (const name of [...chosen])
      if ((sign === '&' && !hosts.has(name)) || (sign === '!' && hosts.has(name))) chosen.delete(name)
  if (chosen.size === 0) throw new InputError([complaint(`${quoted(limit)} leaves no host of ${inventory.file}`, null)])
  return inventory.hosts.filter(({ name }) => chosen.has(name))
}

type Match = {
  readonly name: string
  readonly sign: '' | '!' | '&'
  readonly hosts: ReadonlySet<string>
  readonly emptyGroup: boolean
}

function matchPart(part: string, inventory: Choosable<Named>): Match {
  const sign = part.startsWith('!') ? '!' : part.startsWith('&') ? '&' : ''
  const name = part.slice(sign.length)
  const matches = globMatcher(name)
  const groups = inventory.groups.filter((group) => matches(group.name))
  const hosts = inventory.hosts.filter((host) => matches(host.name)).map((host) => host.name)
  return {
    name,
    sign,
    hosts: new Set([...groups.flatMap((group) => group.hosts), ...hosts]),
    emptyGroup: groups.length > 0,
  }
}

/** Colons join patterns and also stand in IPv6 names: what the inventory knows as a whole stays whole. */
function splitColons(part: string, inventory: Choosable<Named>): readonly string[] {
  const name = part.replace(/^[!&]/, '')
  if (inventory.hosts.some((host) => host.name === name)) return [part]
  return part.split(':').map((each) => each.trim())
}

/** `*`, `?`, `[abc]` and `[!abc]`, as in a shell. */
function globMatcher(glob: string): (name: string) => boolean {
  if (!/[*?[]/.test(glob)) return (name) => name === glob
  const source = glob.replaceAll(
    /\[(!?)([^\]]+)\]|[\s\S]/g,
    (all, negated: string | undefined, set: string | undefined) => {
      if (set !== undefined) return `[${negated === '!' ? '^' : ''}${set.replaceAll(/[\\\]^[]/g, '\\$&')}]`
      if (all === '*') return '.*'
      return all === '?' ? '.' : all.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&')
    },
  )
  try {
    const pattern = new RegExp(`^${source.replaceAll(/(?:[.][*])+/g, '.*')}$`, 's')
    return (name) => pattern.test(name)
  } catch {
    return (name) => name === glob
  }
}

function unmatched(name: string, inventory: Choosable<Named>): Complaint {
  const names = [...inventory.hosts, ...inventory.groups].map((each) => each.name)
  const message = `no host or group of ${inventory.file} matches ${quoted(name)}`
  return complaint(
    message,
    didYouMean(name, names) ?? `it knows ${listed(names.filter((each) => each !== 'ungrouped'))}`,
  )
}

function listed(names: readonly string[]): string {
  return names.length <= 12 ? names.join(', ') : `${names.slice(0, 12).join(', ')} and ${names.length - 12} more`
}

function complaint(message: string, hint: string | null): Complaint {
  return { file: '--limit', line: null, column: null, path: '', message, hint }
}
