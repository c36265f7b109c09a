/** Between several inventories in one text, as in CTFLEET_INVENTORY and in a run's record: `prod.yaml + extra-1,`. */
export const AND = ' + '

/** Several inventories as one text. */
export function asOne(sources: readonly string[]): string {
  return sources.join(AND)
}
