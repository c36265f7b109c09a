import type { Complaint } from '../input/complaint.ts'
import { quote } from '../shell/script.ts'
import { MOST_COMPLAINTS } from './written.ts'

export type Told = { readonly message: string; readonly hint: string }

export const EXAMPLE = 'write at least:\nall:\n  hosts:\n    web-1.example.com:'
export const EXPORT = 'let Ansible write it out: ansible-inventory -i FILE --list --yaml > inventory.yaml'

/** Texts that are something else, said in one sentence where a reader of inventories would complain of every key. */
export function foreignText(text: string, file: string): Told | undefined {
  if (text.startsWith('#!')) return { message: 'is a program, and is read only where it can be run', hint: EXPORT }
  if (file.endsWith('.toml')) return { message: 'is a TOML inventory; ctfleet reads YAML, INI and JSON', hint: EXPORT }
  return savedPlan(text, file) ?? recordedFacts(text, file)
}

/**
 * Whether a text is something that a person wrote to be read, or a program, since most of its lines are no lines of an inventory.
 * A few mistakes in a small inventory are not that.
 */
export function isOtherText(text: string, complaints: readonly Complaint[]): boolean {
  if (complaints.length > MOST_COMPLAINTS) return true
  const wrong = new Set(complaints.map(({ line }) => line)).size
  return wrong > 5 && wrong > text.split('\n').filter((line) => line.trim() !== '').length / 2
}

/** Of what is probably another file than the one that was meant every mistake would be noise. In reading order. */
export function firstFew(complaints: readonly Complaint[]): readonly Complaint[] {
  const next = complaints[3]
  if (next === undefined) return complaints
  const message = `${howMany(complaints.length - 3)}; is this the inventory that you meant?`
  return [...complaints.slice(0, 3), { ...next, path: '', message, hint: EXAMPLE }]
}

function howMany(more: number): string {
  if (more === 1) return '1 more mistake'
  return more < MOST_COMPLAINTS - 3 ? `${more} more mistakes from here on` : 'thousands of mistakes from here on'
}

/** What `ctfleet plan -o` saves: JSON too. */
function savedPlan(text: string, file: string): Told | undefined {
  if (!/^\s*\{\s*"version":\s*\d+,\s*"id":\s*"[0-9a-f]{64}"/.test(text)) return undefined
  const name = quote(file)
  const hint = `to read it: ctfleet show ${name}\nto apply it: ctfleet apply ${name}`
  return { message: 'is a saved plan, and is no inventory', hint }
}

/** What `ctfleet facts --format json` prints. */
function recordedFacts(text: string, file: string): Told | undefined {
  if (!text.trimStart().startsWith('{')) return undefined
  try {
    const document: { readonly [key: string]: unknown } = JSON.parse(text)
    const hosts: readonly unknown[] = Array.isArray(document.hosts) ? document.hosts : []
    const ofFacts = hosts.some((host) => typeof host === 'object' && host !== null && 'facts' in host)
    if (typeof document.version !== 'number' || !('takenAt' in document || ofFacts)) return undefined
  } catch {
    return undefined
  }
  const message = 'holds recorded facts, and is no inventory'
  return { message, hint: `plan and explain judge from them: ctfleet plan --facts ${quote(file)}` }
}
