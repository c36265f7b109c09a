import {
  isRuleLoader,
  type PersistenceFacts,
  type RuleFile,
  type RuleLoader,
  type RuleLoaderName,
} from '../../model/facts.ts'
import { known, type Reading, unknown } from '../../model/reading.ts'
import type { Probe, Section } from '../../shell/bundle.ts'
import { lines, type Script, sh } from '../../shell/script.ts'
import { linesOf, readWith, type Sections } from '../fact.ts'

/** A longer file of rules is not taken in, in bytes. */
const LONGEST_FILE = 262_144

/** Of loaders, their files and commands, in characters: a script that runs at boot may be a firewall of its own. */
const LONGEST_LIST = 60_000

const KINDS = ['ip', 'ip6', 'nft'] as const

/** Firewalls that write their rules in a language of their own, by the names of their services. */
const OTHERS = [
  'ferm',
  'shorewall',
  'shorewall6',
  'firehol',
  'csf',
  'lfd',
  'apf',
  'arno-iptables-firewall',
  'awall',
  'pve-firewall',
  'SuSEfirewall2',
  'vuurmuur',
]

// Files tell alone: asking an init program may start it. With systemd a link in rc?.d counts only where there is no unit.
const functions: Script = sh`boot_units=; [ -d /run/systemd/system ] && boot_units=yes
unit_of() {
  for unit in "/etc/systemd/system/$1.service" "/usr/lib/systemd/system/$1.service" "/lib/systemd/system/$1.service"; do
    if [ -e "$unit" ]; then return 0; fi
  done
  unit=
  return 1
}
enabled() {
  if [ -n "$boot_units" ]; then
    if [ -c "/etc/systemd/system/$1.service" ]; then return 1; fi
    for sign in /etc/systemd/system/*.wants/"$1.service" /etc/systemd/system/*.requires/"$1.service"; do
      if [ -e "$sign" ]; then return 0; fi
    done
    if unit_of "$1"; then return 1; fi
  fi
  for sign in /etc/runlevels/*/"$1" /etc/rc[S2345].d/S[0-9][0-9]"$1" /etc/rc.d/rc[2345].d/S[0-9][0-9]"$1"; do
    if [ -e "$sign" ]; then return 0; fi
  done
  return 1
}
loader() { loaders="$loaders
loader $1 $sign"; }
file() {
  loaders="$loaders
file $1 $2"
  case $1 in
  ip) rules_ip=\${rules_ip:-$2} ;;
  ip6) rules_ip6=\${rules_ip6:-$2} ;;
  nft) rules_nft=\${rules_nft:-$2} ;;
  esac
}
# The value of a variable in a shell file, else what it is by itself.
value_in() {
  value=$(sed -n "s/^$2=[\"']\{0,1\}\([^\"' ]*\).*/\1/p" "$1" | sed -n '$p')
  printf '%s' "\${value:-$3}"
}
# What kind of file it is comes first; one that could not be written is not told.
tell_file() {
  printf '%s\n' "$1"
  if [ -L "$1" ]; then echo link
  elif [ -f "$1" ]; then
    if [ -r "$1" ]; then echo file; cat -- "$1"; else echo unreadable; fi
  elif [ -e "$1" ]; then echo other
  elif [ -d "\${1%/*}" ]; then echo absent
  else echo nowhere
  fi
}`

const setup: Script = lines(
  functions,
  sh`loaders= rules_ip= rules_ip6= rules_nft=
for name in netfilter-persistent iptables-persistent; do
  if enabled "$name"; then
    loader netfilter-persistent
    plugins=/usr/share/netfilter-persistent/plugins.d
    if [ "$name" = iptables-persistent ] || [ -e $plugins/15-ip4tables ]; then file ip /etc/iptables/rules.v4; fi
    if [ "$name" = iptables-persistent ] || [ -e $plugins/25-ip6tables ]; then file ip6 /etc/iptables/rules.v6; fi
    break
  fi
done
for name in iptables ip6tables; do
  enabled "$name" || continue
  loader "$name"
  kind=ip; [ "$name" = ip6tables ] && kind=ip6
  upper=IPTABLES; [ "$name" = ip6tables ] && upper=IP6TABLES
  if [ -n "$boot_units" ] && unit_of "$name" && grep -s -q "/etc/iptables/$name\.rules\|/etc/iptables/\${name#ip}" "$unit"; then
    file $kind "/etc/iptables/$name.rules"
  elif [ -r "/etc/conf.d/$name" ]; then
    file $kind "$(value_in "/etc/conf.d/$name" "\${upper}_SAVE" "/var/lib/$name/rules-save")"
  elif [ -e "/etc/sysconfig/$name" ] || [ -e "/etc/sysconfig/$name-config" ]; then
    file $kind "/etc/sysconfig/$name"
  fi
done
if enabled nftables; then
  loader nftables
  if [ -n "$boot_units" ] && unit_of nftables; then
    path=$(sed -n "s/^ExecStart=.* -f *'\{0,1\}\(\/[^ ';]*\).*/\1/p" "$unit" | sed -n '$p')
    if [ -n "$path" ]; then file nft "$path"; fi
  elif [ -r /etc/conf.d/nftables ]; then
    file nft "$(value_in /etc/conf.d/nftables rules_file /var/lib/nftables/rules-save)"
  elif [ -e /etc/nftables.conf ]; then
    file nft /etc/nftables.conf
  fi
fi
if enabled ufw && grep -s -q -i '^ENABLED=yes' /etc/ufw/ufw.conf; then
  loader ufw
  if ! [ -x /etc/ufw/before.init ] && ! [ -x /etc/ufw/after.init ]; then
    file ip /etc/ufw/before.rules
    case $(value_in /etc/default/ufw IPV6 no) in yes | YES) file ip6 /etc/ufw/before6.rules ;; esac
  fi
fi
if enabled firewalld; then loader firewalld; fi
for name in ${OTHERS}; do
  if enabled "$name"; then loader another; fi
done
# Commands in what else runs at boot; restores of one file each are read below.
calls='^[^#]*\(\(^\|[ /;&|(\`]\)ip6\{0,1\}tables\(-restore\|-legacy\|-nft\|-legacy-restore\|-nft-restore\|-apply\)\{0,1\}\|\(^\|[ /;&|(\`]\)nft\)[ ]'
commands=$(grep -s -m 40 -e "$calls" /etc/rc.local /etc/rc.d/rc.local /etc/network/interfaces /etc/network/interfaces.d/* \
  /etc/network/if-pre-up.d/* /etc/network/if-up.d/* /etc/local.d/*.start /etc/conf.d/local.start /etc/cron.d/* \
  /etc/NetworkManager/dispatcher.d/* /etc/NetworkManager/dispatcher.d/pre-up.d/* /etc/networkd-dispatcher/*/* /dev/null)
for unit in /etc/systemd/system/*.service; do
  case $unit in */iptables.service | */ip6tables.service | */nftables.service | */ctfleet-notrack.service) continue ;; esac
  name=\${unit##*/}
  if [ -n "$boot_units" ] && enabled "\${name%.service}"; then
    commands="$commands
$(grep -s -e "^ExecStart.*tables\|^ExecStart.*nft " "$unit" /dev/null | head -n 5)"
  fi
done
restores="s/^\([^:]*\):[ 	]*\(pre-up \|up \|post-up \)\{0,1\}[ 	]*\(\/[a-z]*\/\(sbin\|bin\)\/\|\/sbin\/\)\{0,1\}ip@tables-restore *< *\(\/[^ ;|&]*\) *\$/\5/p"
one() { printf '%s\n' "$commands" | sed -n "$(printf %s "$restores" | sed "s/@/$1/")" | head -n 1; }
case $commands in
*/*)
  loaders="$loaders
$(printf '%s\n' "$commands" | grep . | sed 's/^/command /')"
  path=$(one ''); if [ -n "$path" ]; then file ip "$path"; fi
  path=$(one 6); if [ -n "$path" ]; then file ip6 "$path"; fi
  ;;
esac`,
)

const VARIABLES = { ip: sh`"$rules_ip"`, ip6: sh`"$rules_ip6"`, nft: sh`"$rules_nft"` } as const

/** What asks for them; the variables are worked out in `setup`, once for all. */
export const ruleLoaders: { readonly setup: Script; readonly probes: readonly Probe[] } = {
  setup: sh`boot_rules() {
${setup}
}
boot_rules`,
  probes: [
    {
      name: 'rule-loaders',
      probe: sh`if [ "\${#loaders}" -gt ${LONGEST_LIST} ]; then echo endless; else printf '%s\n' "$loaders"; fi`,
      bytes: 'own',
    },
    ...KINDS.map((kind) => ({
      name: `rule-file-${kind}`,
      probe: sh`tell_file ${VARIABLES[kind]}`,
      onlyIf: sh`[ -n ${VARIABLES[kind]} ]`,
      bytes: LONGEST_FILE + 1024,
    })),
  ],
}

export function ruleLoadersIn(sections: Sections): PersistenceFacts['loaders'] {
  return readWith(sections('rule-loaders'), ({ code, output }) => {
    if (code !== 0) return unknown(`the probe of what loads rules at boot ended early, with code ${code}`)
    if (output === 'endless\n') return unknown('what loads rules at boot has no end')
    return known(loadersIn(linesOf(output, 250), sections))
  })
}

function loadersIn(rows: readonly string[], sections: Sections): readonly RuleLoader[] {
  const found: { name: RuleLoaderName; sign: string; files: RuleFile[] }[] = []
  const commands = rows.flatMap((row) => /^command (\/[^:]{1,300}):(.*)$/.exec(row)?.slice(1) ?? [])
  for (const row of rows) {
    const [, name, sign] = /^loader (\S+) (\S{1,300})$/.exec(row) ?? []
    if (name !== undefined && sign !== undefined && isRuleLoader(name)) found.push({ name, sign, files: [] })
    if (row.startsWith('command ') && found.every((each) => each.name !== 'script')) {
      found.push({ name: 'script', sign: commands[0] ?? 'a script', files: [] })
    }
    const [, holds, path] = /^file (ip6?|nft) (\/\S{1,300})$/.exec(row) ?? []
    if (path === undefined) continue
    const file = { path, holds: holds as RuleFile['holds'], text: fileText(sections, path, holds as RuleFile['holds']) }
    found.at(-1)?.files.push(file)
  }
  return found.map((each) =>
    each.name === 'script' && !onlyRestores(rows, each.files) ? { ...each, files: [] } : each,
  )
}

/** Whether scripts do nothing to rules but to restore these files, each once. */
function onlyRestores(rows: readonly string[], files: readonly RuleFile[]): boolean {
  return rows.filter((row) => row.startsWith('command ')).length === files.length
}

function fileText(sections: Sections, path: string, holds: RuleFile['holds']): RuleFile['text'] {
  return readWith(sections(`rule-file-${holds}`), (section) => textIn(section, path))
}

function textIn({ output, truncated }: Section, path: string): Reading<string | null> {
  const [asked = '', is = ''] = output.split('\n', 2)
  if (asked !== path) return unknown('another file of this kind comes first')
  if (is === 'absent') return known(null)
  if (is !== 'file') return unknown(WHY_NOT[is] ?? 'it is not a plain file')
  const text = output.slice(asked.length + is.length + 2)
  if (truncated || text.length > LONGEST_FILE) return unknown(`it is longer than ${LONGEST_FILE} bytes`)
  return text.includes('\uFFFD') || text.includes('\0') ? unknown('it is not text in UTF-8') : known(text)
}

const WHY_NOT: Readonly<Record<string, string>> = {
  link: 'it is a symbolic link, through which ctfleet does not write',
  unreadable: 'it is not readable for this user',
  nowhere: 'its directory is not there',
}
