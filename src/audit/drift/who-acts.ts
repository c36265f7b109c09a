import type { Suspect } from '../../model/audit.ts'
import { momentText } from './suspect.ts'
import type { Act, Traces } from './traces.ts'

/** What is not as it was applied: last parts of settings, files, modules that are loaded again, and tables of rules. */
type InQuestion = {
  readonly words: readonly string[]
  readonly paths: readonly string[]
  readonly modules: readonly string[]
  readonly tables: readonly string[]
}

/** Who has it on record that he or it touched what is in question after ctfleet's change. */
export function whoActed(asked: InQuestion, { acts, appliedAt }: Traces): readonly Suspect[] {
  if (!acts.known || !appliedAt.known) return []
  return acts.value.flatMap((act): readonly Suspect[] => {
    // Without a time it may have been long before.
    if (act.at === null || act.at <= appliedAt.value) return []
    const certainty = bearingOf(act, asked)
    if (certainty === null) return []
    const said =
      act.by === 'sudo'
        ? `sudo has it on record: ${act.who} ran ${act.text}`
        : `the kernel's audit has it on record: ${act.text}`
    return [
      {
        who: act.by === 'sudo' ? `${act.who}, a person who used sudo` : act.who,
        certainty,
        evidence: [`${momentText(act.at)}: ${said}`],
      },
    ]
  })
}

/**
 * Named itself by who writes it: certain. A tool that changes such things, of whose work no more is told: likely. A shell of
 * root's: possible.
 */
function bearingOf({ by, text }: Act, { words, paths, tables, modules }: InQuestion): Suspect['certainty'] | null {
  // A rule that needs a module loads it.
  const isAboutRules = tables.length > 0 || modules.length > 0
  if (by === 'audit') {
    const table = /^table (\S+)/.exec(text)?.[1]?.replace(/:.*$/, '')
    const isMeant = modules.length > 0 || tables.some((each) => each.split(' ').at(-1) === table)
    return table !== undefined && isMeant ? 'likely' : null
  }
  if (READS.test(text)) return null
  // What was typed in there nobody has on record.
  if (ROOT_SHELL.test(text)) return 'possible'
  if (paths.some((path) => text.includes(path))) return WRITES.test(text) ? 'certain' : 'likely'
  const dotted = text.replaceAll('/', '.')
  if (SETS.test(text) && words.some((word) => dotted.includes(word))) return 'certain'
  if (LOADS.test(text) && modules.some((name) => text.includes(name))) return 'certain'
  if (words.length > 0 && SETTINGS_TOOLS.test(text)) return 'likely'
  return isAboutRules && (RULE_TOOLS.test(text) || STARTS.test(text)) ? 'likely' : null
}

/** Of a command line as sudo writes it, the program is the first word. */
const READS =
  /^\S*\b(?:cat|less|more|head|tail|grep|ls|stat|diff|view|file|wc|md5sum|sha\d+sum)\b|^\S*\bsed\b(?!.* -\w*i)/
const WRITES = /^\S*\b(?:vi|vim|nvim|nano|emacs|ed|sed|tee|cp|mv|rm|install|dd|truncate|ln|sh|bash|sudoedit)\b/
const ROOT_SHELL = /^\S*\/(?:(?:ba|da|z|fi)?sh(?: -[il])?|su(?: -l?)?)$/
const SETS = /^\S*\bsysctl\b.*(?: -w\b|=)|^\S*\b(?:tee|sh|bash)\b/
const LOADS = /^\S*\b(?:modprobe|insmod)\b/
const SETTINGS_TOOLS =
  /^\S*\bsysctl\b.* (?:-p|--system|--load)|^\S*\btuned-adm\b|\bsystemd-sysctl\b|^\S*\b(?:systemctl|service)\b.*\b(?:procps|tuned)\b/
const RULE_TOOLS =
  /^\S*\b(?:iptables|ip6tables|nft|ufw|firewall-cmd|firewall-offline-cmd|netfilter-persistent|shorewall6?)\b(?!.*(?: -[LS]\b| list\b| status\b|--list|--state))/
const STARTS =
  /^\S*\b(?:systemctl|service)\b(?=.*\b(?:re)?(?:start|load|stop)\b).*\b(?:docker|firewalld|ufw|nftables|ip6?tables|netfilter-persistent|pve-firewall)\b/
