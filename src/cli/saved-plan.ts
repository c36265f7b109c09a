import { stat } from 'node:fs/promises'
import { readBounded } from '../input/bounded-file.ts'
import { type PlanDocument, readPlanDocument } from '../plan/document.ts'
import { quote } from '../shell/script.ts'
import { complainAbout } from './checks.ts'
import { writeWhole } from './whole-file.ts'

/** @throws InputError when it is missing, was edited, or is no saved plan. */
export async function readSavedPlan(path: string): Promise<PlanDocument> {
  const text = await textOf(path)
  const read = readPlanDocument(text)
  if ('problem' in read && INDICATIVE.test(text)) {
    const hint = 'plan on the hosts themselves: ctfleet plan -o plan.json'
    throw complainAbout(path, 'is an indicative plan, judged from recorded facts alone: it cannot be applied', hint)
  }
  if ('problem' in read && !text.trimStart().startsWith('{')) {
    const hint = `if it is an inventory: ctfleet plan ${quote(path)}; with -o plan.json that saves a plan`
    throw complainAbout(path, 'is no saved plan', hint)
  }
  if ('problem' in read) throw complainAbout(path, read.problem, 'make the plan again: ctfleet plan -o plan.json')
  return read
}

/** Whether a file that was named is a saved plan and not an inventory: an inventory's `hosts`, if it has any, is a map. */
export async function isSavedPlan(path: string): Promise<boolean> {
  try {
    // A pipe can be read only once, and a device may never end: those are left to whoever reads inventories.
    if (!(await stat(path)).isFile()) return false
    const text = await textOf(path)
    if (!text.trimStart().startsWith('{')) return false
    if (BEGINNING.test(text)) return true
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && 'hosts' in value && Array.isArray(value.hosts)
  } catch {
    return false
  }
}

/** As `plan --facts --format json` begins. */
const INDICATIVE = /^\s*\{\s*"version":\s*\d+,\s*"appliable":\s*false/

/** As every saved plan begins: one that was cut off on its way is a broken plan, and no inventory. */
const BEGINNING = /^\s*\{\s*"version":\s*\d+,\s*"id":\s*"[0-9a-f]{64}"/

/** For its owner alone: a plan tells addresses and where keys are. */
export async function writeSavedPlan(path: string, document: PlanDocument): Promise<void> {
  await writeWhole(path, `${JSON.stringify(document, null, 2)}\n`, 0o600)
}

/** Bytes; a fleet of 5000 hosts takes a tenth of it. It has to fit into one text of Node's. */
const MOST = 500 * 1024 * 1024

async function textOf(path: string): Promise<string> {
  const read = await readBounded(path, MOST)
  if ('cannot' in read) throw complainAbout(path, read.cannot, 'make a plan first: ctfleet plan -o plan.json')
  return read.toString('utf8')
}
