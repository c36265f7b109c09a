import type { Edit } from '../firewall/edits.ts'
import type { FileChange } from '../firewall/file-text.ts'
import { notrackPatchOnce } from '../firewall/judged-once.ts'
import { parseRules } from '../firewall/parse.ts'
import type { Family, LiveRules } from '../firewall/rules.ts'
import { saveFileChange } from '../firewall/save-file.ts'
import { inBeforeRules, rawRuleIn, ufwRules } from '../firewall/ufw.ts'
import type { Facts, RuleFile } from '../model/facts.ts'
import { known, type Reading, unknown } from '../model/reading.ts'
import { whyNoUnit } from './boot-unit.ts'
import type { NotrackAnalysis, PatchedHost } from './notrack-analysis.ts'
import { bootBackend } from './rules-owner.ts'

/**
 * What ufw loads is judged as the running rules are; our accepts go into its before.rules, which it loads anew each time.
 * What it holds for raw it would add each time, so those rules (`raw`) are for a unit of our own. All of it, or why none.
 */
export function throughUfw(
  facts: Facts,
  files: readonly RuleFile[],
  live: readonly LiveRules[],
  notrack: NotrackAnalysis & { readonly host: PatchedHost },
): Reading<{ readonly changes: readonly FileChange[]; readonly raw: readonly Edit[] }> {
  const noUnit = whyNoUnit(facts)
  if (noUnit !== null) return unknown(`what is for raw ufw would add at each reload once more, and ${noUnit}`)
  const backend = bootBackend(facts)
  if (!backend.known) return backend
  const edits = notrack.edits as readonly Edit[]
  const changes: FileChange[] = []
  for (const family of notrack.host.families) {
    const mine = edits.filter((each) => each.family === family || each.family === 'inet')
    const change = inFamily(files, family, { live, backend: backend.value, notrack, edits: mine })
    if (!change.known) return change
    if (change.value !== null) changes.push(change.value)
  }
  return known({ changes, raw: edits.filter(({ table }) => table === 'raw') })
}

type Asked = {
  readonly live: readonly LiveRules[]
  readonly backend: 'legacy' | 'nft'
  readonly notrack: NotrackAnalysis & { readonly host: PatchedHost }
  readonly edits: readonly Edit[]
}

/** The change to a family's file; null where it needs none. */
function inFamily(
  files: readonly RuleFile[],
  family: Family,
  { live, backend, notrack: { host, services }, edits }: Asked,
): Reading<FileChange | null> {
  const file = files.find(({ holds }) => holds === family)
  const text = file === undefined || !file.text.known ? null : file.text.value
  if (file !== undefined && text === null) return unknown(`${file.path} is not there`)
  const written = text === null ? null : parseRules(text, family)
  if (written?.known === false) return unknown(`${file?.path}: ${written.why}`)
  const raw = written === null ? null : rawRuleIn(written.value)
  if (raw !== null) return unknown(`${file?.path} holds rules for raw of its own: ${raw}`)
  const running = live.find((each) => each.backend === backend && each.rules.family === family)
  const atBoot = ufwRules(written?.value ?? null, running?.rules ?? { family, tables: [] })
  if (!atBoot.known) return atBoot
  const patch = notrackPatchOnce([{ backend, rules: atBoot.value }], services, { ...host, families: [family], backend })
  if (!patch.safe)
    return unknown(`of what ufw loads ${patch.rule === null ? patch.why : `${patch.why}: ${patch.rule}`}`)
  const other = firstOther(patch.edits, edits) ?? firstOther(edits, patch.edits)
  // Ours are found by their comment, which says what they say: after a reboot they must be the ones that run now.
  if (other !== null) return unknown(`what runs and what ufw loads do not need the same rules: ${other.spec}`)
  const filter = patch.edits.filter(({ table }) => table !== 'raw')
  if (filter.length === 0) return known(null)
  if (file === undefined || written === null) return unknown('accepts are needed for a family that ufw leaves alone')
  const placed = inBeforeRules(filter, written.value)
  return placed.known ? saveFileChange({ path: file.path, text, family }, backend, placed.value) : placed
}

function firstOther(edits: readonly Edit[], others: readonly Edit[]): Edit | null {
  return edits.find(({ key }) => others.every((each) => each.key !== key)) ?? null
}
