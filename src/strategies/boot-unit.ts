import { ownTable } from '../firewall/nft-file.ts'
import type { Facts } from '../model/facts.ts'
import type { Json } from '../model/json.ts'
import { lines, type Script, sh } from '../shell/script.ts'

/** Loads our rules where nobody else loads any, or beside one that has no place for them. */
export const OWN_UNIT = `# Written by ctfleet; ctfleet rollback takes it away.
[Unit]
Description=Leave busy services out of connection tracking
After=firewalld.service ufw.service systemd-modules-load.service
Before=network.target
ConditionPathExists=/etc/ctfleet/notrack

[Service]
Type=oneshot
RemainAfterExit=yes
# The network and its logins wait for this; without a limit they would wait for good.
TimeoutStartSec=60
ExecStart=/bin/sh /etc/ctfleet/notrack

[Install]
WantedBy=multi-user.target
`

type OwnRule = Json & { backend: string; family: string; chain: string; spec: string; key: string }

/** A shell script that puts these rules in place, each family by itself; run again it changes nothing. */
export function ownScript(edits: readonly Json[]): string {
  const all = edits as readonly OwnRule[]
  const native = all.filter(({ backend }) => backend === 'native')
  const others = (family: 'ip' | 'ip6') => all.filter((each) => each.backend !== 'native' && each.family === family)
  return `${
    lines(
      sh`# Written by ctfleet for ctfleet-notrack.service: rules that leave busy services out of connection tracking.
PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin
failed=0`,
      ...(native.length === 0 ? [] : [sh`${printed(ownTable(native))} | nft -f - || failed=1`]),
      ...rawRules('iptables', others('ip')),
      ...rawRules('ip6tables', others('ip6')),
      sh`exit "$failed"`,
    ).text
  }\n`
}

function rawRules(program: 'iptables' | 'ip6tables', rules: readonly OwnRule[]): readonly Script[] {
  const [first] = rules
  if (first === undefined) return []
  return [
    sh`tool=${program}
if command -v ${`${program}-${first.backend}-save`} > /dev/null 2>&1; then tool=${`${program}-${first.backend}`}; fi
wait=
# At boot others hold the lock of iptables.
if "$tool-restore" -h 2>&1 | grep -q -e --wait; then wait='-w 10'; fi
"$tool-save" -t raw | grep -q -F -e ${first.key} || ${printed(['*raw', ...rules.map(({ chain, spec }) => `-A ${chain} ${spec}`), 'COMMIT'])} | "$tool-restore" --noflush $wait || failed=1`,
  ]
}

/** One line below the other, for who has to read them on the host. */
function printed(rows: readonly string[]): Script {
  return lines(sh`{`, ...rows.map((row) => sh`  printf '%s\n' ${row}`), sh`}`)
}

/** Why the host would not run it; null where it would. */
export function whyNoUnit({ system: { init } }: Facts): string | null {
  if (!init.known) return `what starts this host is not known: ${init.why}`
  return init.value === 'systemd' ? null : 'ctfleet writes a unit of its own for systemd alone'
}
