import { inspect } from 'node:util'
import { DEFAULT_THRESHOLDS, type Thresholds } from '../diagnosis/thresholds.ts'
import { type Complaint, InputError } from '../input/complaint.ts'
import type { Share } from '../run/waves.ts'

/** As programs without types may give them. */
type Given = {
  readonly parallel?: unknown
  readonly ports?: unknown
  readonly thresholds?: unknown
}

type GivenToApply = Given & {
  readonly approve?: unknown
  readonly waves?: readonly Share[] | undefined
  readonly maxFail?: Share | undefined
  readonly pauseSeconds?: number | undefined
  readonly changing?: number | undefined
  readonly confirmWithinSeconds?: number | undefined
}

/**
 * What types would have caught, or cannot, is told before anybody is contacted: not every program has them.
 * @throws InputError with every mistake
 */
export function checkOptions(given: Given): void {
  refuse(mistakesIn(given))
}

/** The same with what only `apply` takes. */
export function checkApplyOptions({ approve, waves = [], maxFail, ...given }: GivenToApply): void {
  const { pauseSeconds = 0, changing = 1, confirmWithinSeconds = 10 } = given
  refuse([
    ...(typeof approve === 'function'
      ? []
      : [mistake('approve', `expected a function, found ${shown(approve)}`, "async (plan) => 'yes', or 'no'")]),
    ...(Array.isArray(waves) ? waves : [waves]).flatMap((share, at) => shareMistakes(`waves[${at}]`, share)),
    ...(maxFail === undefined ? [] : shareMistakes('maxFail', maxFail)),
    ...(isNumber(pauseSeconds, 0) ? [] : [mistake('pauseSeconds', `found ${shown(pauseSeconds)}`, '0 or more')]),
    ...hostsMistakes('changing', changing),
    ...(isNumber(confirmWithinSeconds, 0)
      ? []
      : [mistake('confirmWithinSeconds', `found ${shown(confirmWithinSeconds)}`, 'a number of seconds')]),
    ...mistakesIn(given),
  ])
}

function refuse(wrong: readonly Complaint[]): void {
  if (wrong.length > 0) throw new InputError(wrong)
}

function mistakesIn({ parallel = 1, ports = [], thresholds = {} }: Given): readonly Complaint[] {
  return [
    ...hostsMistakes('parallel', parallel),
    ...(Array.isArray(ports) ? ports.flatMap(portMistakes) : [mistake('ports', `found ${shown(ports)}`, A_PORT)]),
    ...thresholdMistakes(thresholds),
  ]
}

function hostsMistakes(name: string, value: unknown): readonly Complaint[] {
  if (Number.isInteger(value) && Number(value) > 0) return []
  return [mistake(name, `found ${shown(value)}`, 'a whole number of hosts, 1 or more')]
}

const A_PORT = "[{ protocol: 'tcp', port: 443 }]; ports go from 1 to 65535, protocols are tcp and udp"

function portMistakes(service: unknown, at: number): readonly Complaint[] {
  const { protocol, port } = (service ?? {}) as { readonly protocol?: unknown; readonly port?: unknown }
  const isOne = (protocol === 'tcp' || protocol === 'udp') && Number.isInteger(port)
  if (isOne && Number(port) >= 1 && Number(port) <= 65_535) return []
  return [mistake(`ports[${at}]`, `found ${shown(service)}`, A_PORT)]
}

/** Shares are easily taken for per cent, and then no host is ever near full. */
const SHARES: ReadonlySet<string> = new Set<keyof Thresholds>(['usage', 'portShare', 'staleShare'])

function thresholdMistakes(thresholds: unknown): readonly Complaint[] {
  if (typeof thresholds !== 'object' || thresholds === null) {
    return [mistake('thresholds', `found ${shown(thresholds)}`, '{ usage: 0.75 }')]
  }
  return Object.entries(thresholds).flatMap(([name, value]) => {
    const place = `thresholds.${name}`
    if (!Object.hasOwn(DEFAULT_THRESHOLDS, name)) {
      return [mistake(place, 'there is no such threshold', Object.keys(DEFAULT_THRESHOLDS).join(', '))]
    }
    if (!isNumber(value, 0)) return [mistake(place, `found ${shown(value)}`, 'a number, 0 or more')]
    if (!SHARES.has(name) || Number(value) <= 1) return []
    return [mistake(place, `found ${shown(value)}`, 'a share from 0 to 1: 0.75 is 75 %')]
  })
}

function shareMistakes(name: string, share: unknown): readonly Complaint[] {
  const { hosts, percent } = (share ?? {}) as { readonly hosts?: unknown; readonly percent?: unknown }
  const isOne = (hosts === undefined) !== (percent === undefined)
  const isRight = isOne && (hosts === undefined ? isNumber(percent, 0) && Number(percent) <= 100 : isCount(hosts))
  return isRight
    ? []
    : [mistake(name, `expected a share of the hosts, found ${shown(share)}`, '{ hosts: 1 } or { percent: 10 }')]
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0
}

function isNumber(value: unknown, least: number): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= least
}

/** Short, whatever it is. */
function shown(value: unknown): string {
  return inspect(value, { depth: 1, breakLength: Infinity }).slice(0, 60)
}

function mistake(file: string, message: string, hint: string): Complaint {
  return { file, line: null, column: null, path: '', message, hint }
}
