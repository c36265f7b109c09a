import type { Difference } from './compare.ts'

/** Why there is no patch, and the rule that decides; a clause for a person. */
export type Refused = { readonly safe: false; readonly why: string; readonly rule: string | null }

export function refused(why: string, rule: string | null): Refused {
  return { safe: false, why, rule }
}

/** What would change, with the service it is about or null for all. */
export function sentence(name: string | null, { kind, passage }: Difference): string {
  const of = name === null ? '' : `${name}: `
  switch (kind) {
    case 'breaks':
      return `${of}${passage} that pass now would be dropped`
    case 'opens':
      return `${of}${passage} that are dropped now would pass`
    case 'effects':
      return `${of}a rule that marks, writes or counts packets would no longer meet the same ones`
    case 'unsure':
      return `${of}${passage} pass or not by a rule whose answer cannot be foretold`
  }
}
