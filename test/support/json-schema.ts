import { Ajv, type ErrorObject } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'

type Schema = { readonly [keyword: string]: unknown }

/**
 * What a JSON Schema has against a value, a line each with the place: `/hosts/0/status: must be equal to one of the allowed values`.
 * Throws on a keyword or a format that it does not know, so that none is passed over.
 */
export function objections(schema: Schema, value: unknown): readonly string[] {
  const fits = compiled(schema)
  return fits(value) ? [] : (fits.errors ?? []).map(line)
}

const known = new WeakMap<Schema, ReturnType<Ajv['compile']>>()

function compiled(schema: Schema): ReturnType<Ajv['compile']> {
  const before = known.get(schema)
  if (before !== undefined) return before
  const is2020 = String(schema.$schema).includes('2020-12')
  // Others' schemas hold patterns that are none with the flag `u`; ours are of 2020-12.
  const options = { allErrors: true, strictSchema: true, allowUnionTypes: true, unicodeRegExp: is2020 } as const
  const ajv = is2020 ? new Ajv2020(options) : new Ajv(options)
  formats.default(ajv)
  const fits = ajv.compile(schema)
  known.set(schema, fits)
  return fits
}

function line({ instancePath, message, params }: ErrorObject): string {
  const told = 'additionalProperty' in params ? ` (${params.additionalProperty})` : ''
  return `${instancePath || '/'}: ${message ?? 'does not fit'}${told}`
}
