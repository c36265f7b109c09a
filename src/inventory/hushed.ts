import type { Complaint } from '../input/complaint.ts'
import { quote } from '../shell/script.ts'

/** What is said of a secret that does not fit, in place of what would show it. */
export const SECRET = {
  message: 'is a secret that cannot be used here',
  hint: 'see what stands there: ansible-vault view',
} as const

/** Complaints about the text of a vault: where each mistake is, and nothing of what stands there. */
export function hushed(complaints: readonly Complaint[]): readonly Complaint[] {
  return complaints.map((each) => ({
    ...each,
    path: '',
    message: 'what the vault holds here cannot be read',
    hint: `see what stands there: ansible-vault view ${quote(each.file)}`,
  }))
}
