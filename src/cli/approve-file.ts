import { type Complaint, InputError, quoted } from '../input/complaint.ts'
import { readTextFile } from '../input/text-file.ts'
import type { HostResult } from '../model/result.ts'
import { visible } from '../report/format.ts'
import { quote } from '../shell/script.ts'
import { type Approver, approvalOf, type Decisions, mayLoseSessions, notCovered, type Planned } from './approve.ts'

/** Plans that have a yes in a file: the ids, as they stand there. */
export type ApproveFile = { readonly path: string; readonly entries: readonly Entry[] }

/** `id`: the beginning of a plan's id, or of a saved plan's, 12 to 64 hex digits. `comment`: what stands behind it. */
type Entry = { readonly id: string; readonly line: number; readonly comment: string }

/**
 * One id a line, and a comment behind it, with or without `#`; empty lines and lines that begin with `#` say nothing.
 * @param plan the file of the saved plan that ids are for, as it was typed.
 * @throws InputError with every line that is no id.
 */
export function readApproveFile(path: string, plan = 'plan.json'): ApproveFile {
  const complaints: Complaint[] = []
  const hint = `ctfleet show ${quote(plan)} prints the ids; a comment begins with #`
  const entries = readTextFile(path)
    .split(/\r?\n/)
    .flatMap((text, at): readonly Entry[] => {
      if (/^\s*(?:#|$)/.test(text)) return []
      const line = at + 1
      const [, id, comment = ''] = /^\s*([0-9a-f]{12,64})(?:[\s#]+(.*?))?\s*$/i.exec(text) ?? []
      if (id !== undefined) return [{ id: id.toLowerCase(), line, comment }]
      const message = `expected the id of a plan, 12 to 64 hex digits, found ${quoted(text.trim())}`
      complaints.push({ file: path, line, column: text.search(/\S/) + 1, path: '', message, hint })
      return []
    })
  if (complaints.length > 0) throw new InputError(complaints)
  return { path, entries }
}

/** A saved plan, as much as a yes to it names: its own id, and those of all its hosts' plans, chosen now or not. */
export type SavedIds = { readonly id: string; readonly plans: readonly string[] }

/**
 * Approves exactly those that the file names, each by the id of its own plan or of the saved plan that it is in.
 * @returns also what the file names and is not in the saved plan, in words: somebody approved what is not done now.
 */
export function approveListed(
  all: readonly Planned[],
  { file, saved, acceptsSessionLoss }: { file: ApproveFile; saved: SavedIds; acceptsSessionLoss: boolean },
  approver: Approver,
): Decisions & { readonly unknown: readonly string[] } {
  const approved: { readonly planned: Planned; readonly entry: Entry }[] = []
  const others: HostResult[] = []
  for (const planned of all) {
    const entry = file.entries.find(({ id }) => planned.plan.id.startsWith(id) || saved.id.startsWith(id))
    if (entry === undefined) others.push(notListed(planned, file))
    else if (!acceptsSessionLoss && mayLoseSessions(planned.plan)) others.push(notCovered(planned))
    else approved.push({ planned, entry })
  }
  const names = [saved.id, ...saved.plans]
  return {
    approved: approved.map(({ planned }) => planned),
    others,
    approvals: approved.map(({ planned, entry: { line, comment } }) => ({
      ...approvalOf(planned, 'file', approver),
      note: `${file.path}:${line}${comment === '' ? '' : `: ${comment}`}`,
    })),
    unknown: file.entries
      .filter(({ id }) => !names.some((name) => name.startsWith(id)))
      .map(({ id, line }) => visible(`${file.path}:${line}: ${id} is not in this saved plan, and changes nothing`)),
  }
}

function notListed({ host, plan }: Planned, { path }: ApproveFile): HostResult {
  const why = `its plan ${plan.id.slice(0, 12)} is not in ${path}`
  return { host, status: 'declined', plan, why }
}
