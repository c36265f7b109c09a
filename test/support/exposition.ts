/** A sample as Prometheus would keep it. */
export type Sample = {
  readonly name: string
  readonly labels: { readonly [name: string]: string }
  readonly value: number
}

export type Metric = { readonly help: string | null; readonly type: MetricType; readonly samples: readonly Sample[] }

type MetricType = 'counter' | 'gauge' | 'histogram' | 'summary' | 'untyped'

/**
 * Reads the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/), as strictly as it is written
 * down, and beyond it what node_exporter's textfile collector asks for: no timestamps, HELP and TYPE before the samples and once,
 * all samples of a metric in one place, no series twice, no empty line.
 * @throws Error with the line that breaks a rule
 */
export function parseExposition(text: string): ReadonlyMap<string, Metric> {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no newline')
  const metrics = new Map<string, { help: string | null; type: MetricType | null; samples: Sample[] }>()
  const seen = new Set<string>()
  let current = ''
  for (const [at, line] of text.split('\n').slice(0, -1).entries()) {
    const fail = (why: string): never => {
      throw new Error(`line ${at + 1}: ${why}: ${JSON.stringify(line.slice(0, 200))}`)
    }
    if (/[^\P{C}]|[\p{Zl}\p{Zp}]/u.test(line)) fail('a character that nobody could see')
    const enter = (name: string) => {
      if (name !== current && metrics.has(name)) fail(`${name} is in two places`)
      current = name
      const metric = metrics.get(name) ?? { help: null, type: null, samples: [] }
      metrics.set(name, metric)
      return metric
    }
    const [, kind, named = '', rest = ''] = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/.exec(line) ?? []
    if (kind !== undefined) {
      const metric = enter(named)
      if (metric.samples.length > 0) fail(`${kind} after a sample`)
      if (kind === 'HELP') {
        if (metric.help !== null) fail('a second HELP')
        if (/\\(?![\\n])/.test(rest.replaceAll('\\\\', ''))) fail('an escape that HELP has not')
        metric.help = unescaped(rest)
      } else {
        if (metric.type !== null) fail('a second TYPE')
        metric.type = isType(rest) ? rest : fail('no type')
      }
      continue
    }
    const sample = sampleOf(line) ?? fail('neither HELP, TYPE nor a sample')
    const metric = enter(familyOf(sample.name, metrics))
    if (metric.type === null) fail('a sample without TYPE before it')
    const series = JSON.stringify([sample.name, Object.entries(sample.labels).toSorted(([a], [b]) => (a < b ? -1 : 1))])
    if (seen.has(series)) fail('a series that was there before')
    seen.add(series)
    if (metric.type === 'counter' && !(sample.value >= 0)) fail('a counter below 0')
    metric.samples.push(sample)
  }
  return new Map(
    [...metrics].map(([name, { help, type, samples }]) => [name, { help, type: type ?? 'untyped', samples }]),
  )
}

/** All samples, in their order. @throws as parseExposition does */
export function samplesIn(text: string): readonly Sample[] {
  return [...parseExposition(text).values()].flatMap(({ samples }) => samples)
}

function isType(text: string): text is MetricType {
  return ['counter', 'gauge', 'histogram', 'summary', 'untyped'].includes(text)
}

/** `_bucket`, `_sum` and `_count` belong to the histogram or summary before them. */
function familyOf(name: string, metrics: ReadonlyMap<string, { readonly type: MetricType | null }>): string {
  const base = name.replace(/_(?:bucket|sum|count)$/, '')
  const type = metrics.get(base)?.type
  return type === 'histogram' || type === 'summary' ? base : name
}

const LABELS = /^(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"(?:,|$))*$/
const NUMBERS: Readonly<Record<string, number>> = { '+Inf': Infinity, '-Inf': -Infinity, NaN: Number.NaN }

function sampleOf(line: string): Sample | null {
  const [, name, pairs = '', value = ''] = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
  const number = NUMBERS[value] ?? (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(value) ? Number(value) : null)
  if (name === undefined || number === null || !LABELS.test(pairs)) return null
  const found = [...pairs.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g)]
  const labels = Object.fromEntries(found.map(([, label = '', text = '']) => [label, unescaped(text)]))
  if (Object.keys(labels).length !== found.length || found.some(([, label]) => label?.startsWith('__'))) return null
  return { name, labels, value: number }
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, each: string) => (each === 'n' ? '\n' : each))
}
