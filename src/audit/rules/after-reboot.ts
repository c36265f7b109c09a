import { counted, grouped } from '../../diagnosis/numbers.ts'
import type { Facts } from '../../model/facts.ts'
import { known, type Reading } from '../../model/reading.ts'
import { quote } from '../../shell/script.ts'
import { type AuditRule, sysctlName, tracks } from '../audit-rule.ts'
import { type BootSetting, type BootSettings, bootSettings, isAsWritten, runningValue } from '../boot-settings.ts'
import { mayBeDefault } from '../kernel-defaults.ts'

/** Running values that no file makes: good until the next reboot. */
export const notPersistent: AuditRule = {
  id: 'not-persistent',
  severity: 'warning',
  summary: 'settings that will not survive a reboot',
  judge: ({ facts }) => {
    const boot = ownBootSettings(facts)
    if (!boot.known) return [{ untold: SURVIVES, why: boot.why }]
    if (boot.value === null) return []
    const { inForce, unread, loadsEarly } = boot.value
    const lost = runningSettings(facts).filter(
      ({ key, value }) => !inForce.has(key) && !mayBeDefault(key, value, facts) && !isKubeProxys(key, facts),
    )
    const sysctls = [...inForce.values()].filter(({ path }) => !path.includes('/modprobe.'))
    const { init } = facts.system
    const isLate = isModule(facts) && !loadsEarly
    // Older inits read sysctl.conf again once the network is up.
    const tooEarly = isLate && isSystemd(facts) ? sysctls : []
    const untold = isLate && !init.known && sysctls.length > 0 ? [{ untold: SURVIVES, why: init.why }] : []
    const undone = undoneLater(boot.value, facts)
    if (lost.length === 0 && tooEarly.length === 0 && undone.length === 0) return untold
    const keys = [...new Set([...lost, ...tooEarly, ...undone.map(({ last }) => last)].map(({ key }) => key))]
    return [
      {
        title: `${counted(keys.length, 'setting', 'settings')} would not survive a reboot: ${keys.join(', ')}`,
        evidence: [
          ...lost.map(({ key, value }) => {
            const written = unread.find((each) => each.key === key)
            return written === undefined
              ? `${key} is ${grouped(value)}, which no file sets`
              : `${key} is ${grouped(value)}, which only ${written.path} sets, and systemd reads no such file`
          }),
          ...(tooEarly.length === 0
            ? []
            : [
                `${[...new Set(tooEarly.map(({ path }) => path))].join(', ')}: read at boot before anything loads nf_conntrack, so without effect`,
              ]),
          ...undone.map(
            ({ own, last }) =>
              `${own.key} is as ${own.path} sets it (${grouped(own.value)}), and ${last.path}, which is read later, sets it to ${grouped(last.value)}`,
          ),
        ],
        threshold: null,
        remedy: remedyFor({ lost, undone, needsModule: isLate && isSystemd(facts) }, facts),
      },
    ]
  },
}

const SURVIVES = 'whether its settings survive a reboot'

/** What a file made, and another one, which is read after it, takes away at the next reboot. */
function undoneLater({ inForce, overridden }: BootSettings, facts: Facts): readonly Undone[] {
  return [...inForce.values()].flatMap((last): readonly Undone[] => {
    const running = runningValue(facts.conntrack, last.key)
    if (running === null || !running.known || isAsWritten(last, running.value, facts)) return []
    const own = overridden.find(
      ({ key, ...each }) => key === last.key && isAsWritten({ key, ...each }, running.value, facts),
    )
    return own === undefined ? [] : [{ own, last }]
  })
}

type Undone = { readonly own: BootSetting; readonly last: BootSetting }

/** What files say and the kernel does not. */
export const notInForce: AuditRule = {
  id: 'not-in-force',
  severity: 'warning',
  summary: 'settings in files that are not in force',
  judge: ({ facts }) => {
    const boot = ownBootSettings(facts)
    if (!boot.known) return [{ untold: 'whether settings in files are in force', why: boot.why }]
    if (boot.value === null) return []
    // That a reboot would take a setting away is said by the rule above.
    const undone = new Set(undoneLater(boot.value, facts).map(({ last }) => last))
    const off = [...boot.value.inForce.values()].flatMap((setting) => {
      if (undone.has(setting)) return []
      const running = runningValue(facts.conntrack, setting.key)
      if (running === null || !running.known || isAsWritten(setting, running.value, facts)) return []
      return [{ setting, running: running.value }]
    })
    const untold = [...boot.value.inForce.keys()].flatMap((key) => {
      const running = runningValue(facts.conntrack, key)
      return running === null || running.known
        ? []
        : [{ untold: `whether ${key} is as files set it`, why: running.why }]
    })
    if (off.length === 0) return untold
    return [
      ...untold,
      {
        title: `${counted(off.length, 'setting', 'settings')} in files ${off.length === 1 ? 'is' : 'are'} not in force: ${off.map(({ setting }) => setting.key).join(', ')}`,
        evidence: off.map(
          ({ setting: { key, value, path }, running }) =>
            `${path} sets ${key} to ${grouped(value)}, and it is ${grouped(running)}`,
        ),
        threshold: null,
        remedy: `on HOST as root: ${commandsFor(off.map(({ setting }) => setting)).join(' && ')}; or take the lines out, where what runs is right`,
      },
    ]
  },
}

/** Null where no file of this host has a say: nothing is tracked, it is a container, or the table is the node's. */
function ownBootSettings(facts: Facts): Reading<BootSettings | null> {
  const { container } = facts.system
  const { maxWritable, form } = facts.conntrack
  if (!tracks(facts)) return known(null)
  if (!container.known) return container
  if (!maxWritable.known) return maxWritable
  if (!form.known) return form
  return container.value !== null || !maxWritable.value ? known(null) : bootSettings(facts)
}

function isModule({ conntrack: { form } }: Facts): boolean {
  return form.known && form.value === 'module'
}

function isSystemd({ system: { init } }: Facts): boolean {
  return init.known && init.value === 'systemd'
}

function runningSettings({ conntrack }: Facts): readonly { readonly key: string; readonly value: number }[] {
  const timeouts = conntrack.timeouts.known ? Object.keys(conntrack.timeouts.value) : []
  return ['max', 'buckets', ...timeouts].flatMap((key) => {
    const running = runningValue(conntrack, key)
    return running?.known ? [{ key, value: running.value }] : []
  })
}

/** kube-proxy sets these itself whenever it starts (conntrack.maxPerCore, tcpEstablishedTimeout, tcpCloseWaitTimeout). */
function isKubeProxys(key: string, { managers: { present } }: Facts): boolean {
  const isNode = present.known && present.value.some(({ name }) => name === 'kubernetes')
  return isNode && ['max', 'tcp_timeout_established', 'tcp_timeout_close_wait'].includes(key)
}

type Lacking = {
  readonly lost: readonly { readonly key: string; readonly value: number }[]
  readonly undone: readonly Undone[]
  readonly needsModule: boolean
}

function remedyFor({ lost, undone, needsModule }: Lacking, facts: Facts): string {
  const lines = lost.flatMap(({ key, value }) => (key === 'buckets' ? [] : [`${sysctlName(facts, key)} = ${value}`]))
  const buckets = lost.find(({ key }) => key === 'buckets')
  const commands = [
    ...(lines.length === 0 ? [] : [`printf '%s\\n' ${lines.map(quote).join(' ')} >> /etc/sysctl.d/90-conntrack.conf`]),
    ...(buckets === undefined
      ? []
      : [`echo 'options nf_conntrack hashsize=${buckets.value}' > /etc/modprobe.d/conntrack.conf`]),
    ...(needsModule ? ['echo nf_conntrack > /etc/modules-load.d/conntrack.conf'] : []),
  ]
  const edits = undone.map(({ own, last }) => `take ${own.key} out of ${last.path}`)
  return [
    ...(commands.length === 0 ? [] : [`on HOST as root: ${commands.join(' && ')}`]),
    ...(edits.length === 0 ? [] : [`on HOST: ${[...new Set(edits)].join(', ')}, or, where it is right, apply it now`]),
  ].join('; ')
}

function commandsFor(settings: readonly BootSetting[]): readonly string[] {
  const isModprobe = ({ path }: BootSetting) => path.includes('/modprobe.')
  const files = [...new Set(settings.filter((each) => !isModprobe(each)).map(({ path }) => path))]
  return [
    ...files.map((path) => `sysctl -p ${quote(path.replaceAll('\0', ''))}`),
    ...settings.filter(isModprobe).map(({ value }) => `echo ${value} > /sys/module/nf_conntrack/parameters/hashsize`),
  ]
}
