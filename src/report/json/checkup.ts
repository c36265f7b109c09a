import type { Checkup } from '../../model/checkup.ts'

/** `standing` is ok, note, failed or not-reached; `next` is what to do, or null. */
export function checkupJson(checkup: Checkup): object {
  return { version: 1, ...checkup }
}
