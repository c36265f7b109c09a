import type { PersistenceFacts, PersistenceFile } from '../model/facts.ts'
import { known, mapReading, unknown } from '../model/reading.ts'
import { lines, sh } from '../shell/script.ts'
import { type Fact, filesIn, linesOf, readWith } from './fact.ts'
import { ruleLoaders, ruleLoadersIn } from './persistence/rule-loaders.ts'

/** Rule files of each distribution's own services, and of the ones people write. */
const RULE_FILES = [
  '/etc/iptables/rules.v4',
  '/etc/iptables/rules.v6',
  '/etc/iptables/iptables.rules',
  '/etc/iptables/ip6tables.rules',
  '/etc/iptables/rules-save',
  '/etc/iptables/rules6-save',
  '/var/lib/iptables/rules-save',
  '/var/lib/ip6tables/rules-save',
  '/etc/sysconfig/iptables',
  '/etc/sysconfig/ip6tables',
  '/etc/sysconfig/nftables.conf',
  '/etc/nftables.conf',
  '/etc/nftables.nft',
  '/etc/ufw/before.rules',
  '/etc/ufw/before6.rules',
  '/etc/firewalld/direct.xml',
  '/etc/iptables.rules',
  '/etc/iptables.up.rules',
]

/** With the service that reads each. */
const SERVICE_SETTINGS = {
  '/etc/sysconfig/iptables-config': 'iptables',
  '/etc/sysconfig/ip6tables-config': 'ip6tables',
  '/etc/conf.d/iptables': 'iptables',
  '/etc/conf.d/ip6tables': 'ip6tables',
  '/etc/conf.d/nftables': 'nftables',
} as const
const SETTINGS_FILES = Object.keys(SERVICE_SETTINGS)

/** In characters; a host with a hundred such files prints a tenth of it. */
const LONGEST = 524_288

// A service stops only where it was started: by its being enabled, or as its init keeps note of it. Where neither is told, it may.
const idle = lines(
  sh`may_stop() {
  if enabled "$1"; then return 0; fi
  if [ -d /run/openrc ]; then [ -L "/run/openrc/started/$1" ] || [ -e "/run/openrc/started/$1" ]
  elif [ -n "$boot_units" ]; then [ ! -d /run/systemd/units ] || [ -L "/run/systemd/units/invocation:$1.service" ]
  else
    set -- "$1" /var/lock/subsys/*
    [ ! -e "$2" ] || [ -e "/var/lock/subsys/$1" ]
  fi
}`,
  ...Object.entries(SERVICE_SETTINGS).map(
    ([path, service]) => sh`if [ -e ${path} ] && ! may_stop ${service}; then echo idle ${path}; fi`,
  ),
)

// Of files of one name only that of the first directory is read, though it be empty or a link to /dev/null: sysctl.d(5),
// modprobe.d(5), modules-load.d(5).
const probe = sh`set -- /etc/sysctl.conf /etc/sysctl.d/*.conf /run/sysctl.d/*.conf /usr/local/lib/sysctl.d/*.conf \
  /usr/lib/sysctl.d/*.conf /lib/sysctl.d/*.conf /etc/ufw/sysctl.conf /etc/modprobe.conf /etc/modprobe.d/* /run/modprobe.d/* \
  /usr/local/lib/modprobe.d/* /usr/lib/modprobe.d/* /lib/modprobe.d/* /etc/modules /etc/modules-load.d/* /run/modules-load.d/* \
  /usr/local/lib/modules-load.d/* /usr/lib/modules-load.d/* ${SETTINGS_FILES}
for f; do
  [ -r "$f" ] || { [ -e "$f" ] && echo "unreadable $f"; }
done
for f in ${RULE_FILES}; do
  [ -e $f ] && echo "rules $f"
done
for kind in sysctl modprobe modules-load; do
  for f in /run/$kind.d/* /usr/local/lib/$kind.d/* /usr/lib/$kind.d/* /lib/$kind.d/*; do
    for place in /etc /run /usr/local/lib /usr/lib; do
      case $f in "$place"/$kind.d/*) break ;; esac
      if [ -e "$place/$kind.d/\${f##*/}" ]; then echo "masked $f"; break; fi
    done
  done
done
${idle}
grep -s -m 200 -e '^[^#;]*conntrack' -e '^[^#]*TABLES_MODULES\(_UNLOAD\)*=' -e '^[^#]*SAVE_ON_\(STOP\|RESTART\)=' "$@" /dev/null
:`

export const persistence: Fact<PersistenceFacts> = {
  name: 'persistence',
  setup: ruleLoaders.setup,
  probes: [{ name: 'persistence', probe, bytes: 'own' }, ...ruleLoaders.probes],
  parse(sections) {
    const seen = readWith(sections('persistence'), ({ code, output }) => {
      if (code !== 0) return unknown(`the probe of the persistent settings ended early, with code ${code}`)
      return output.length > LONGEST ? unknown('the files that set conntrack have no end') : known(output)
    })
    const readable = readWith(seen, (output) => {
      const path = /^unreadable (.{1,200})/m.exec(output)?.[1]?.replace(/[^!-~]/g, '?')
      return path === undefined ? known(output) : unknown(`${path} is not readable for this user`)
    })
    return {
      files: mapReading(readable, persistentLines),
      ruleFiles: mapReading(seen, (output) => {
        const lines = new Set(linesOf(output, 20_000))
        return RULE_FILES.filter((path) => lines.has(`rules ${path}`))
      }),
      iptablesModules: mapReading(readable, (output) => namesModules(output, '/etc/sysconfig/iptables-config')),
      ip6tablesModules: mapReading(readable, (output) => namesModules(output, '/etc/sysconfig/ip6tables-config')),
      savesOnStop: mapReading(readable, (output) =>
        settingsThatCount(output).filter((line) => /SAVE_ON_(STOP|RESTART)=["']?yes\b/i.test(line)),
      ),
      loaders: ruleLoadersIn(sections),
    }
  },
}

/** /lib is /usr/lib on most systems today: what both show is told once. What is masked sets nothing, and is left out. */
function persistentLines(output: string): readonly PersistenceFile[] {
  const masked = new Set(
    linesOf(output, 20_000).flatMap((line) => (line.startsWith('masked /') ? [line.slice('masked '.length)] : [])),
  )
  const read = [...filesIn(output)].filter(([path]) => !masked.has(path))
  const files = read.map(([path, lines]) => ({
    path,
    lines: lines.filter((line) => /conntrack|TABLES_MODULES(_UNLOAD)?=/.test(line)),
  }))
  const shown = new Map(files.map(({ path, lines }) => [path, lines.join('\n')]))
  return files
    .filter(
      ({ path, lines }) =>
        lines.length > 0 && !(path.startsWith('/lib/') && shown.get(`/usr${path}`) === lines.join('\n')),
    )
    .map(({ path, lines }) => ({
      path: path.slice(0, 300),
      lines: lines.slice(0, 200).map((line) => line.trim().slice(0, 500)),
    }))
}

function namesModules(output: string, path: string): boolean {
  return (filesIn(output).get(path) ?? []).some((line) => /TABLES_MODULES=["']?\s*\w/.test(line.slice(0, 500)))
}

/** Those of services that may come to a stop. */
function settingsThatCount(output: string): readonly string[] {
  const files = filesIn(output)
  const idle = new Set(linesOf(output, 20_000).filter((line) => line.startsWith('idle ')))
  return SETTINGS_FILES.filter((path) => !idle.has(`idle ${path}`))
    .flatMap((path) => files.get(path) ?? [])
    .map((line) => line.trim().slice(0, 200))
}
