import { grouped } from '../../diagnosis/numbers.ts'
import type { Suspect } from '../../model/audit.ts'
import type { Facts } from '../../model/facts.ts'
import type { Setting } from './gone.ts'
import { began } from './suspect.ts'
import { KUBE_PROXY, type Traces } from './traces.ts'

/** Its defaults (k8s.io/kubernetes, pkg/proxy/apis/config/v1alpha1/defaults.go): entries a processor, entries, seconds. */
const DEFAULTS = {
  maxPerCore: 32_768,
  min: 131_072,
  tcpEstablishedTimeout: 86_400,
  tcpCloseWaitTimeout: 3600,
}

/** Null where this value is not what kube-proxy makes by its flags, its file and its defaults, or it is not here. */
export function kubeProxy({ word, now }: Setting, { managers, system }: Facts, traces: Traces): Suspect | null {
  const isHere = managers.present.known && managers.present.value.some(({ name }) => name === 'kubernetes')
  if (!isHere) return null
  const because = sumOf({ word, now }, traces, system.cpus.known ? system.cpus.value : null)
  if (because === null) return null
  return { who: 'kube-proxy', certainty: 'likely', evidence: [because, ...began('kube-proxy', traces)] }
}

/** How its configuration comes to this value; null where it does not. */
function sumOf({ word, now }: Setting, traces: Traces, cpus: number | null): string | null {
  const [established, closeWait] = [
    wanted(traces, 'tcpEstablishedTimeout', 'conntrack-tcp-timeout-established'),
    wanted(traces, 'tcpCloseWaitTimeout', 'conntrack-tcp-timeout-close-wait'),
  ]
  if (word === 'nf_conntrack_tcp_timeout_established' && now === String(established.value))
    return `${word} is ${established.from}`
  if (word === 'nf_conntrack_tcp_timeout_close_wait' && now === String(closeWait.value))
    return `${word} is ${closeWait.from}`
  if (cpus === null) return null
  const perCore = wanted(traces, 'maxPerCore', 'conntrack-max-per-core')
  const min = wanted(traces, 'min', 'conntrack-min')
  const max = Math.max(perCore.value * cpus, min.value)
  const sum = `${perCore.from} on ${grouped(cpus)} processors, at least ${min.from}, make ${grouped(max)}`
  if (word === 'nf_conntrack_max' && now === String(max)) return sum
  return word === 'nf_conntrack_buckets' && now === String(Math.floor(max / 4))
    ? `${sum}, and a quarter of it is buckets`
    : null
}

/** A flag goes before the file, as with kube-proxy where it is given both; `null` in the file leaves the default. */
function wanted({ settings }: Traces, key: keyof typeof DEFAULTS, flag: string) {
  const lines = (settings.known ? settings.value.get(KUBE_PROXY) : undefined) ?? []
  const first = (pattern: RegExp) => lines.flatMap((line) => pattern.exec(line)?.[1] ?? [])[0]
  const written =
    first(new RegExp(`^flag --${flag}=([\\w.]{1,30})\\s*$`)) ??
    first(new RegExp(`^config +${key}: *"?([\\w.]{1,30})"?\\s*$`))
  return written === undefined || written === 'null'
    ? { value: DEFAULTS[key], from: `its default of ${key}` }
    : { value: goNumber(written), from: `its ${key} ${written}` }
}

/** A whole number, or a duration as Go writes it: `24h0m0s`. NaN for what is neither, which equals nothing. */
function goNumber(text: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text)
  const parts = /^(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?$/.exec(text)
  if (parts === null) return Number.NaN
  const [, h = '0', m = '0', s = '0'] = parts
  return Number(h) * 3600 + Number(m) * 60 + Number(s)
}
