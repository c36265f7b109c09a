import { visible } from '../format.ts'

/** One metric with all its samples. `unit` is in the name, as Prometheus has it: `_seconds`, `_ratio`, `_entries`. */
export type Family = {
  readonly name: string
  readonly help: string
  readonly type: 'gauge' | 'counter'
  readonly samples: readonly { readonly labels: { readonly [name: string]: string }; readonly value: number }[]
}

/** Longest value of a label, in characters: what a host sent must not fill somebody's database. Longer ones are cut. */
export const LONGEST_LABEL = 128

/**
 * The text format of Prometheus, as node_exporter's textfile collector reads it: no timestamps, a newline at the end
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). A family without samples is left out.
 */
export function prometheusText(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .flatMap(({ name, help, type, samples }) => [
      `# HELP ${name} ${visible(help).replaceAll('\\', '\\\\')}`,
      `# TYPE ${name} ${type}`,
      ...samples.map(({ labels, value }) => `${name}${labelsText(labels)} ${numberText(value)}`),
    ])
    .map((line) => `${line}\n`)
    .join('')
}

function labelsText(labels: Family['samples'][number]['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${labelValue(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function labelValue(text: string): string {
  const seen = visible(text.slice(0, LONGEST_LABEL))
  return seen.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  return Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : '-Inf'
}
