import { OWN_TABLE } from '../firewall/edits.ts'
import type { FileChange } from '../firewall/file-text.ts'
import { notrackPatchOnce } from '../firewall/judged-once.ts'
import { nftFileChange } from '../firewall/nft-file.ts'
import { ownKey } from '../firewall/ours.ts'
import { parseRules } from '../firewall/parse.ts'
import type { Backend, Family, LiveRules } from '../firewall/rules.ts'
import { saveFileChange } from '../firewall/save-file.ts'
import { removableStatefulRules } from '../firewall/stateful.ts'
import type { Facts, RuleFile } from '../model/facts.ts'
import { known, type Reading, unknown } from '../model/reading.ts'
import type { Analysis } from '../playbook/names.ts'
import { OWN_UNIT, ownScript, whyNoUnit } from './boot-unit.ts'
import type { NotrackAnalysis } from './notrack-analysis.ts'
import { throughUfw } from './persist-ufw.ts'
import { bootBackend, type RulesOwner, rulesOwner } from './rules-owner.ts'
import type { UnloadAnalysis } from './unload-analysis.ts'

export type PersistAnalysis = Analysis['persist']

/**
 * Whether the rules of each remedy can be there after a reboot, and how: what the owner's file makes of the kernel is judged
 * by the same analysis as what runs now, and edits of its own are made for it. Running rules are never saved.
 */
export function analysePersist(
  facts: Facts,
  live: Reading<readonly LiveRules[]>,
  { notrack, unload }: { readonly notrack: NotrackAnalysis; readonly unload: UnloadAnalysis },
): PersistAnalysis {
  const owner = rulesOwner(facts)
  return {
    savesOnStop: savesOnStop(facts),
    notrack: lastingNotrack(facts, live, owner, notrack),
    unload: lastingUnload(facts, live, owner, unload),
  }
}

const NONE = { files: [], reloaded: false, script: '', unit: '' }

function lastingNotrack(
  facts: Facts,
  live: Reading<readonly LiveRules[]>,
  owner: RulesOwner,
  notrack: NotrackAnalysis,
): PersistAnalysis['notrack'] {
  const { edits, host, services } = notrack
  if (host === null || edits.length === 0 || !live.known) return { ...NONE, note: '' }
  const lost = (why: string) => ({
    ...NONE,
    note: `These rules last until the next reboot, because ${why}. After one, apply again`,
  })
  switch (owner.is) {
    case 'left-alone':
      return lost(owner.why)
    case 'nobody':
    case 'firewalld': {
      const why = notByUnit(facts, live.value, owner.is, edits)
      if (why !== null) return lost(why)
      return {
        ...NONE,
        script: ownScript(edits),
        unit: OWN_UNIT,
        note: 'After a reboot a unit of our own, ctfleet-notrack.service, puts these rules in place',
      }
    }
    case 'ufw': {
      const through = throughUfw(facts, owner.files, live.value, { ...notrack, host })
      if (!through.known) return lost(through.why)
      const { changes: files, raw } = through.value
      const unit = 'a unit of our own, ctfleet-notrack.service, puts'
      const note =
        files.length === 0
          ? `After a reboot ${unit} these rules in place beside ufw's`
          : `After a reboot ufw loads these accepts from ${paths(files)}, and ${unit} the rules for raw in place`
      return { files, reloaded: true, script: ownScript(raw), unit: OWN_UNIT, note }
    }
    case 'files': {
      const changes = owner.files.some(({ holds }) => holds === 'nft')
        ? nftFiles(owner.files, live.value, edits as Edits)
        : perFile(owner.files, host.families, bootBackend(facts), ({ family, rules }, backend) => {
            const patch = notrackPatchOnce([rules], services, { ...host, families: [family], backend })
            if (!patch.safe) return unknown(patch.rule === null ? patch.why : `${patch.why}: ${patch.rule}`)
            return known(patch.edits)
          })
      if (!changes.known) return lost(changes.why)
      const { changes: files, left } = changes.value
      const note = `After a reboot ${owner.name} loads these rules from ${paths(files)}`
      if (left.length === 0) return { ...NONE, files, reloaded: true, note }
      return { ...NONE, files, note: `${note}; not all of them: ${left.join('; ')}` }
    }
  }
}

function lastingUnload(
  facts: Facts,
  live: Reading<readonly LiveRules[]>,
  owner: RulesOwner,
  { edits, possible }: UnloadAnalysis,
): PersistAnalysis['unload'] {
  if (!possible.known || !possible.value || !live.known) return { files: [], note: '' }
  const lost = (why: string) => ({
    files: [],
    note: `The firewall's own files are left as they are, because ${why}; a stateful rule that is loaded at boot brings tracking back`,
  })
  switch (owner.is) {
    case 'left-alone':
      return edits.length > 0 ? lost(owner.why) : { files: [], note: '' }
    case 'ufw':
      return edits.length > 0 ? lost('ufw loads stateful rules of its own') : { files: [], note: '' }
    case 'firewalld':
    case 'nobody':
      return edits.length > 0
        ? {
            files: [],
            note: 'Nothing that is known loads rules at boot; whoever made these stateful ones would bring tracking back',
          }
        : { files: [], note: '' }
    case 'files': {
      const changes = owner.files.some(({ holds }) => holds === 'nft')
        ? nftFiles(owner.files, live.value, edits as Edits)
        : perFile(owner.files, null, bootBackend(facts), ({ rules }) => {
            const removal = removableStatefulRules([rules])
            if (removal.removable) return known(removal.edits)
            return unknown(removal.rule === null ? removal.why : `${removal.why}: ${removal.rule}`)
          })
      if (!changes.known) return lost(changes.why)
      const { changes: files, left } = changes.value
      if (files.length === 0) return { files, note: '' }
      const note = `The stateful rules go from ${paths(files)} too, so that ${owner.name} does not bring tracking back at boot`
      return { files, note: left.length === 0 ? note : `${note}; but ${left.join('; ')}` }
    }
  }
}

type Edits = Parameters<typeof saveFileChange>[2]
type Judged = { readonly family: Family; readonly rules: LiveRules }
type InFiles = { readonly changes: readonly FileChange[]; readonly left: readonly string[] }

/**
 * The same question asked of each family's file; `left`: why not of a family, where the other can be.
 * @param families null: those that have a file
 */
function perFile(
  files: readonly RuleFile[],
  families: readonly Family[] | null,
  backend: Reading<'legacy' | 'nft'>,
  editsFor: (file: Judged, backend: Backend) => Reading<Edits>,
): Reading<InFiles> {
  if (!backend.known) return backend
  const changes: FileChange[] = []
  const left: string[] = []
  for (const family of families ??
    (['ip', 'ip6'] as const).filter((each) => files.some(({ holds }) => holds === each))) {
    const change = inFile(files, family, backend.value, editsFor)
    if (!change.known) left.push(change.why)
    else if (change.value !== null) changes.push(change.value)
  }
  return changes.length === 0 && left.length > 0 ? unknown(left.join('; ')) : known({ changes, left })
}

function inFile(
  files: readonly RuleFile[],
  family: Family,
  backend: 'legacy' | 'nft',
  editsFor: (file: Judged, backend: Backend) => Reading<Edits>,
): Reading<FileChange | null> {
  const file = files.find(({ holds }) => holds === family)
  if (file === undefined) return unknown(`nothing loads ${family === 'ip' ? 'IPv4' : 'IPv6'} rules at boot`)
  const text = file.text.known ? file.text.value : null
  const rules = parseRules(text ?? '', family)
  if (!rules.known) return unknown(`${file.path}: ${rules.why}`)
  const edits = editsFor({ family, rules: { backend, rules: rules.value } }, backend)
  if (!edits.known) return unknown(`in ${file.path} ${edits.why}`)
  return edits.value.length === 0
    ? known(null)
    : saveFileChange({ path: file.path, text, family }, backend, edits.value)
}

function nftFiles(files: readonly RuleFile[], live: readonly LiveRules[], edits: Edits): Reading<InFiles> {
  const [file, second] = files
  if (file === undefined || second !== undefined || !file.text.known) return unknown('rules are in several files')
  if (file.text.value === null) return unknown(`${file.path} is not there`)
  const others = live.find((each) => each.backend !== 'native' && holdsRules(each))
  if (others !== undefined) return unknown(`rules of iptables run here that ${file.path} does not hold`)
  const foreign = edits.find(({ backend }) => backend !== 'native')
  if (foreign !== undefined)
    return unknown(`rules of ours are in iptables' tables, of which ${file.path} knows nothing`)
  if (edits.length === 0) return known({ changes: [], left: [] })
  const change = nftFileChange({ path: file.path, text: file.text.value }, live, edits)
  return change.known ? known({ changes: [change.value], left: [] }) : change
}

/** Why a unit of our own cannot stand in; null where the rules it loads are all that is needed. */
function notByUnit(
  facts: Facts,
  live: readonly LiveRules[],
  who: 'nobody' | 'firewalld',
  edits: NotrackAnalysis['edits'],
): string | null {
  const twin = (edits as Edits).find(({ table }) => table !== 'raw' && table !== OWN_TABLE)
  if (who === 'firewalld' && twin !== undefined) {
    return 'firewalld makes its rules anew at boot, and these need accepts among them'
  }
  if (who === 'nobody' && live.some(holdsRules)) {
    return 'rules run here that nothing known loads at boot, so what would be there after one cannot be told'
  }
  const none = whyNoUnit(facts)
  return none !== null && who === 'nobody' ? `nothing loads rules here at boot, and ${none}` : none
}

/** Whether somebody else's rules are there. */
function holdsRules({ rules }: LiveRules): boolean {
  return rules.tables.some(({ chains }) =>
    chains.some((chain) => chain.policy === 'DROP' || chain.rules.some((rule) => ownKey(rule) === null)),
  )
}

function savesOnStop({ persistence: { savesOnStop } }: Facts): string {
  if (!savesOnStop.known) return ''
  const setting = savesOnStop.value.find((line) => /SAVE_ON_STOP=/i.test(line))
  if (setting === undefined) return ''
  return (
    `a service writes the running rules to disk when it stops (${setting}), unconfirmed ones too, so that a reboot would ` +
    `keep what nobody confirmed: set ${setting.replace(/=.*/, '')}="no" first`
  )
}

function paths(changes: readonly FileChange[]): string {
  return changes.map(({ path }) => path).join(' and ')
}
