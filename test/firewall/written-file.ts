import { expect } from 'vitest'
import { type FileChange, linesOf } from '../../src/firewall/file-text.ts'
import { notrackPatch } from '../../src/firewall/notrack.ts'
import type { Service } from '../../src/firewall/packet.ts'
import { parseRules } from '../../src/firewall/parse.ts'
import type { Family, LiveRules } from '../../src/firewall/rules.ts'
import { saveFileChange } from '../../src/firewall/save-file.ts'
import type { Reading } from '../../src/model/reading.ts'

export const PATH = '/etc/iptables/rules.v4'

/** What NOTRACK for these services is in a file of rules; its own words where that is refused. */
export function changeOf(
  text: string | null,
  family: Family,
  services: readonly Service[],
  budget = 1_000_000,
): Reading<FileChange> {
  const patch = notrackPatch([liveOf(text ?? '', family)], services, {
    families: [family],
    backend: 'nft',
    budget,
    addresses: [],
  })
  if (!patch.safe) return { known: false, why: patch.why }
  return saveFileChange({ path: PATH, text, family }, 'nft', patch.edits)
}

export function liveOf(text: string, family: Family): LiveRules {
  const rules = parseRules(text, family)
  return { backend: 'nft', rules: rules.known ? rules.value : { family, tables: [] } }
}

export function applied(text: string, { hunks }: FileChange): string {
  const lines = [...linesOf(text)]
  for (const { at, remove, add } of hunks.toReversed()) {
    expect(lines.slice(at, at + remove.length)).toEqual(remove)
    lines.splice(at, remove.length, ...add)
  }
  return lines.map((line) => `${line}\n`).join('')
}

/** The text without what we add. */
export function withoutOurs(text: string): string {
  return text
    .replace(/^# ctfleet:notrack: added(?:.*\n)*?# ctfleet:notrack: end\n/m, '')
    .replace(/^.*ctfleet:notrack:.*\n/gm, '')
}
