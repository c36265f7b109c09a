import { constants } from 'node:fs'
import { access, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pid } from 'node:process'
import { type PlanDocument, readPlanDocument } from '../plan/document.ts'
import { quote } from '../shell/script.ts'
import { complainAbout } from './checks.ts'

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
    const text = await readFile(path, 'utf8')
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

/** @throws InputError when nothing could be written there. */
export async function checkWritable(path: string | undefined, option = '--output'): Promise<void> {
  if (path === undefined) return
  try {
    await access(dirname(path), constants.W_OK | constants.X_OK)
  } catch (error) {
    throw complainAbout(option, `${path} cannot be written: ${messageOf(error)}`, 'name a file in a directory of yours')
  }
}

/** For its owner alone: a plan tells addresses and where keys are. */
export async function writeSavedPlan(path: string, document: PlanDocument): Promise<void> {
  const temporary = `${path}.${pid}.tmp`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(`${JSON.stringify(document, null, 2)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw complainAbout('--output', `${path} cannot be written: ${messageOf(error)}`)
  }
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw complainAbout(path, `cannot be read: ${messageOf(error)}`, 'make a plan first: ctfleet plan -o plan.json')
  }
}

/** `no such file or directory`: Node's own sentence names the call and the path besides. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return /^E[A-Z]+: ([^,]+)/.exec(message)?.[1] ?? message
}
