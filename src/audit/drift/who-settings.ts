import type { Suspect } from '../../model/audit.ts'
import type { Facts } from '../../model/facts.ts'
import type { Setting } from './gone.ts'
import { kubeProxy } from './kube-proxy.ts'
import { began, momentText, startedSince, writtenText } from './suspect.ts'
import { KUBE_PROXY, PVE, type Traces, TUNED_PROFILE } from './traces.ts'

/** Whose configuration makes a setting what it is now. That the values are the same is what speaks for each. */
export function whoSet(setting: Setting, facts: Facts, traces: Traces): readonly Suspect[] {
  if (!traces.settings.known) return []
  const { value: files } = traces.settings
  const kubernetes = kubeProxy(setting, facts, traces)
  return [
    ...fromFiles(setting, traces, files),
    ...tuned(setting, traces, files),
    ...proxmox(setting, facts, traces, files.get(PVE) ?? []),
    ...(kubernetes === null ? [] : [kubernetes]),
  ]
}

type Files = ReadonlyMap<string, readonly string[]>

function fromFiles({ word, now }: Setting, traces: Traces, files: Files): readonly Suspect[] {
  return [...files].flatMap(([path, lines]): readonly Suspect[] => {
    if (path === PVE || path === KUBE_PROXY || path.includes('/tuned/')) return []
    const line = lines.find((each) => assigns(each, word, now))
    if (line === undefined) return []
    const who = path.startsWith('/etc/ufw/') ? 'ufw' : path
    const written = writtenText(path, traces)
    const reader = startedSince({ runsAs: ['systemd-sysctl', 'procps'] }, traces)
    const evidence = [
      `${path} has it: ${shown(line)}`,
      ...(written === null ? [] : [`${path}: ${written}`]),
      ...(reader === undefined ? [] : [`${reader.name}, which reads it, ran ${momentText(reader.at)}`]),
    ]
    return [{ who, certainty: 'likely', evidence }]
  })
}

/** A line of sysctl.conf(5), or of a profile's section [sysctl]; `hashsize` stands for the number of buckets. */
function assigns(line: string, word: string, value: string): boolean {
  if (/^\s*[#;]/.test(line)) return false
  const [, name = '', set] = /^\s*-?([\w./-]+)\s*=\s*"?([^"\s]{1,40})"?\s*$/.exec(line) ?? []
  if (set === value && lastPart(name) === word) return true
  return word === 'nf_conntrack_buckets' && new RegExp(`\\bhashsize=${Number(value)}\\b`).test(line)
}

function shown(line: string): string {
  return line.trim().slice(0, 200)
}

function lastPart(name: string): string {
  return name.slice(Math.max(name.lastIndexOf('.'), name.lastIndexOf('/')) + 1)
}

/** The active profiles, and those that they include. */
function tuned({ word, now }: Setting, traces: Traces, files: Files): readonly Suspect[] {
  const active = (files.get(TUNED_PROFILE) ?? [])
    .join(' ')
    .split(/\s+/)
    .filter((name) => name !== '')
  const seen = new Set<string>()
  const from = (name: string): readonly Suspect[] => {
    if (seen.has(name) || seen.size > 20) return []
    seen.add(name)
    const place = [
      `/etc/tuned/${name}/`,
      `/etc/tuned/profiles/${name}/`,
      `/usr/lib/tuned/${name}/`,
      `/usr/lib/tuned/profiles/${name}/`,
    ]
      .map((directory) => `${directory}tuned.conf`)
      .find((path) => files.has(path))
    const lines = files.get(place ?? '') ?? []
    const line = lines.find((each) => assigns(each, word, now))
    if (line !== undefined && place !== undefined) {
      const evidence = [
        `its active profile ${active.join(' ')} has it: ${shown(line)} (${place})`,
        ...began('tuned', traces),
        ...[writtenText(TUNED_PROFILE, traces)].flatMap((text) =>
          text === null ? [] : [`the profile was chosen: ${text}`],
        ),
      ]
      return [{ who: 'tuned', certainty: 'likely', evidence }]
    }
    const included = lines.flatMap((each) => /^\s*include\s*=\s*(.{1,200})$/.exec(each)?.[1]?.split(/[\s,;]+/) ?? [])
    return included.flatMap(from)
  }
  return active.flatMap(from)
}

/** pve-firewall's own max where host.fw names none (PVE::Firewall: update_nf_conntrack_max). */
const PVE_MAX = '262144'

function proxmox(
  { word, now }: Setting,
  { managers }: Facts,
  traces: Traces,
  lines: readonly string[],
): readonly Suspect[] {
  const named = lines.find((line) => line.replace(/\s/g, '') === `${word}:${now}`)
  if (named !== undefined)
    return [
      {
        who: 'proxmox',
        certainty: 'likely',
        evidence: [`${PVE} has it: ${shown(named)}`, ...began('proxmox', traces)],
      },
    ]
  const isHere = managers.present.known && managers.present.value.some(({ name }) => name === 'proxmox')
  const isNamed = lines.some((line) => line.startsWith(`${word}:`))
  if (!isHere || isNamed || word !== 'nf_conntrack_max' || now !== PVE_MAX) return []
  return [
    {
      who: 'proxmox',
      certainty: 'likely',
      evidence: [`pve-firewall sets ${word} to ${PVE_MAX} where ${PVE} names no other`, ...began('proxmox', traces)],
    },
  ]
}
