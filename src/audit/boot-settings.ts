import { bucketsOf } from '../model/buckets.ts'
import type { ConntrackFacts, Facts, PersistenceFile } from '../model/facts.ts'
import { known, type Reading } from '../model/reading.ts'

/** A setting of the table that some file makes at boot. */
export type BootSetting = {
  /** `max`, `buckets`, or a timeout: `tcp_timeout_established`. */
  readonly key: string
  readonly value: number
  readonly path: string
  /** As it is written. */
  readonly line: string
}

export type BootSettings = {
  /** By key; of several files that set it, the one that is read last. */
  readonly inForce: ReadonlyMap<string, BootSetting>
  /** Of several, those that a later file undoes. */
  readonly overridden: readonly BootSetting[]
  /** In a file that nothing reads at boot here. */
  readonly unread: readonly BootSetting[]
  /** Something loads the module before the settings are read; without it they are lost where it is a module. */
  readonly loadsEarly: boolean
}

/**
 * What the files of a host make of the table at boot, by the rules of systemd-sysctl(8) and sysctl(8): files of all directories
 * together, in the order of their names, a later one winning. ufw applies its own after them.
 * Limit: not what a program sets later (tuned, kube-proxy, a script).
 */
export function bootSettings(facts: Facts): Reading<BootSettings> {
  const { files } = facts.persistence
  if (!files.known) return files
  const { present } = facts.managers
  if (!present.known) return present
  const { init } = facts.system
  const hasConf = files.value.some(({ path }) => path === SYSCTL_CONF)
  if (hasConf && !init.known) return init
  const hasUfw = present.value.some(({ name }) => name === 'ufw')
  const sysctl = files.value.filter(({ path }) => path === SYSCTL_CONF || /\/sysctl\.d\/[^/]+\.conf$/.test(path))
  const isUnread = ({ path, lines }: PersistenceFile) =>
    path === SYSCTL_CONF && init.known && init.value === 'systemd' && !isLinked(lines, sysctl)
  const read = sysctl.filter((file) => !isUnread(file)).toSorted(byName)
  const ufw = hasUfw ? files.value.filter(({ path }) => path === '/etc/ufw/sysctl.conf') : []
  const modprobe = files.value
    .filter(({ path }) => /^\/(etc|run|usr\/local\/lib|usr\/lib|lib)\/modprobe\./.test(path))
    .toSorted(byName)
  const settings = [...modprobe, ...read, ...ufw].flatMap(settingsIn)
  const inForce = new Map(settings.map((setting) => [setting.key, setting]))
  return known({
    inForce,
    overridden: settings.filter((setting) => inForce.get(setting.key) !== setting),
    unread: sysctl.filter(isUnread).flatMap(settingsIn),
    loadsEarly: files.value.some(loadsModule),
  })
}

const SYSCTL_CONF = '/etc/sysctl.conf'

// systemd-sysctl reads /etc/sysctl.conf only through a link in sysctl.d, which Debian had through 12 and RHEL has.
function isLinked(lines: readonly string[], sysctl: readonly PersistenceFile[]): boolean {
  return sysctl.some((file) => file.path !== SYSCTL_CONF && lines.every((line) => file.lines.includes(line)))
}

function byName(a: PersistenceFile, b: PersistenceFile): number {
  const [one, other] = [orderOf(a.path), orderOf(b.path)]
  return one === other ? 0 : one < other ? -1 : 1
}

/** procps reads sysctl.conf after all others; modprobe.conf, where anything reads it, is before those of its directory. */
function orderOf(path: string): string {
  if (path === SYSCTL_CONF) return '\uffff'
  return path === '/etc/modprobe.conf' ? '' : path.slice(path.lastIndexOf('/') + 1)
}

function settingsIn({ path, lines }: PersistenceFile): readonly BootSetting[] {
  return lines.flatMap((line): readonly BootSetting[] => {
    if (/^\s*[#;]/.test(line)) return []
    const [, buckets] = /^\s*options\s+(?:nf|ip)_conntrack\s(?:.*\s)?hashsize=(\d{1,12})\b/.exec(line) ?? []
    if (buckets !== undefined) return [{ key: 'buckets', value: Number(buckets), path, line }]
    const [, name = '', value = ''] = /^\s*-?([\w./]+)\s*=\s*(\d{1,12})\s*$/.exec(line) ?? []
    const [, key] = SETTING.exec(name.replaceAll('/', '.')) ?? []
    return key === undefined ? [] : [{ key, value: Number(value), path, line }]
  })
}

const SETTING = /^net\.(?:netfilter\.|ipv4\.|ipv4\.netfilter\.)?(?:nf|ip)_conntrack_(max|buckets|\w*timeout\w*)$/

function loadsModule({ path, lines }: PersistenceFile): boolean {
  const isList = path === '/etc/modules' || path.includes('/modules-load.d/')
  return lines.some((line) =>
    isList ? /^\s*(?:nf|ip)_conntrack/.test(line) : /^\s*(?:install|softdep)\s.*conntrack/.test(line),
  )
}

/** What the kernel has now of a setting that files may make; undefined where this kernel has no such setting. */
export function runningValue(conntrack: ConntrackFacts, key: string): Reading<number> | null {
  const { max, timeouts } = conntrack
  if (key === 'max') return max
  if (key === 'buckets') return bucketsOf(conntrack)
  if (!timeouts.known) return timeouts
  const value = Object.hasOwn(timeouts.value, key) ? timeouts.value[key] : undefined
  return value === undefined ? null : known(value)
}

/** The kernel rounds buckets up to whole pages of 4 or 8 byte heads. */
export function isAsWritten({ key, value }: BootSetting, running: number, { system }: Facts): boolean {
  if (key !== 'buckets') return running === value
  const page = system.pageSize.known ? system.pageSize.value : 65_536
  return running >= value && running < value + page / 4
}
