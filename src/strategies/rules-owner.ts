import type { Facts, RuleFile, RuleLoader } from '../model/facts.ts'
import { known, type Reading, unknown } from '../model/reading.ts'

/**
 * Whose the rules are at boot: the one that loads them, with files that can be edited; nobody; or why they are left alone, a
 * clause for a person. ufw: its before.rules, of each family that it filters.
 */
export type RulesOwner =
  | { readonly is: 'files'; readonly name: string; readonly files: readonly RuleFile[] }
  | { readonly is: 'ufw'; readonly files: readonly RuleFile[] }
  | { readonly is: 'firewalld' }
  | { readonly is: 'nobody' }
  | { readonly is: 'left-alone'; readonly why: string }

/** Never two: where several load rules, what holds after boot hangs on their order, and who is told of ours is a guess. */
export function rulesOwner({ persistence: { loaders } }: Facts): RulesOwner {
  if (!loaders.known) return leftAlone(`what loads the firewall's rules at boot is not known: ${loaders.why}`)
  const found = mergedFamilies(loaders.value)
  const [first, second] = found
  if (first === undefined) return { is: 'nobody' }
  if (second !== undefined) {
    const names = found.map((each) => nameOf(each)).join(' and ')
    return leftAlone(`${names} would both load rules at boot, and only one may own them: disable all but one`)
  }
  if (first.name === 'firewalld') return { is: 'firewalld' }
  if (first.files.length === 0 && first.name === 'ufw')
    return leftAlone('ufw loads them together with commands in /etc/ufw/before.init or after.init, which are not known')
  if (first.files.length === 0)
    return leftAlone(`${nameOf(first)} loads them, and in what language or from where is not known`)
  const unread = first.files.find(({ text }) => !text.known)
  if (unread?.text.known === false)
    return leftAlone(`${unread.path}, from which ${nameOf(first)} loads them: ${unread.text.why}`)
  return first.name === 'ufw'
    ? { is: 'ufw', files: first.files }
    : { is: 'files', name: first.name, files: first.files }
}

/** Which kernel tables `iptables-restore` fills at boot: those of the backend that the plain name leads to. */
export function bootBackend({ firewall: { tools } }: Facts): Reading<'legacy' | 'nft'> {
  if (!tools.known) return tools
  return tools.value.defaultBackend === null
    ? unknown('the host has no iptables program')
    : known(tools.value.defaultBackend)
}

/** RHEL's two services are one owner, each with its family's file. */
function mergedFamilies(loaders: readonly RuleLoader[]): readonly RuleLoader[] {
  const [ip, ip6] = ['iptables', 'ip6tables'].map((name) => loaders.find((each) => each.name === name))
  if (ip === undefined || ip6 === undefined) return loaders
  const both = { ...ip, files: [...ip.files, ...ip6.files] }
  return [both, ...loaders.filter((each) => each !== ip && each !== ip6)]
}

function nameOf({ name, sign }: RuleLoader): string {
  if (name !== 'another') return name === 'script' ? sign : name
  return sign.replace(/^.*\/(S\d\d)?/, '').replace(/\.service$/, '')
}

function leftAlone(why: string): RulesOwner {
  return { is: 'left-alone', why }
}
