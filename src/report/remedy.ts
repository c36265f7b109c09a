import { quote } from '../shell/script.ts'

/** Whom a remedy is for: `limit` as `--limit` takes them, `names` as they stand in a sentence. */
export type RemedyFor = { readonly limit: string; readonly names: string }

/** The remedy as it is typed for one host. */
export function remedyFor(remedy: string, host: string, inventory: string | null): string {
  return remedyTyped(remedy, { limit: host, names: host }, inventory)
}

/**
 * The remedy as it is typed: `HOST` is their names, and `--limit HOST` names the inventory too.
 * @param inventory null where it goes without saying.
 */
export function remedyTyped(remedy: string, { limit, names }: RemedyFor, inventory: string | null): string {
  const word = (text: string) => quote(text.replaceAll('\0', ''))
  const on = inventory === null ? '' : `-i ${word(inventory)} `
  return remedy.replaceAll(/--limit HOST\b|\bHOST\b/g, (found) =>
    found === 'HOST' ? names.replaceAll('\0', '') : `${on}--limit ${word(limit)}`,
  )
}
