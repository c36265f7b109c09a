/** One host's values as expressions see them, and why each that is absent is not known. */
export type View = {
  readonly bindings: { readonly [name: string]: unknown }
  readonly whyUnknown: ReadonlyMap<string, string>
}

/**
 * Unwraps every reading in a tree of values. A known one becomes its value; an unknown one is left out, so that using it
 * makes an expression unsure, and its cause is kept under its dotted name.
 */
export function bindReadings(values: { readonly [name: string]: unknown }): View {
  const whyUnknown = new Map<string, string>()
  const bindings: { [name: string]: unknown } = {}
  for (const [name, value] of Object.entries(values)) {
    const bound = unwrap(value, name, whyUnknown)
    if (bound !== undefined) bindings[name] = bound
  }
  return { bindings, whyUnknown }
}

function unwrap(value: unknown, path: string, whyUnknown: Map<string, string>): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  if ('known' in value) {
    if (value.known === true && 'value' in value) return unwrap(value.value, path, whyUnknown)
    if (value.known === false && 'why' in value) {
      whyUnknown.set(path, String(value.why))
      return undefined
    }
  }
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]) => [key, unwrap(item, `${path}.${key}`, whyUnknown)] as const)
      .filter(([, item]) => item !== undefined),
  )
}
