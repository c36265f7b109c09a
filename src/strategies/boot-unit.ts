import { ownTable } from '../firewall/nft-file.ts'
import type { Json } from '../model/json.ts'

/** Loads our rules where nobody else loads any, or beside one that has no place for them. */
export const OWN_UNIT = `# Written by ctfleet; ctfleet rollback takes it away.
[Unit]
Description=Leave busy services out of connection tracking
After=firewalld.service systemd-modules-load.service
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

/** A shell script that puts these rules in place; run again it changes nothing. */
export function ownScript(edits: readonly Json[]): string {
  const all = edits as readonly (Json & { backend: string; family: string; chain: string; spec: string; key: string })[]
  const native = all.filter(({ backend }) => backend === 'native')
  const parts = [
    ...(native.length === 0 ? [] : ["nft -f - << 'END'", ...ownTable(native), 'END']),
    ...(['ip', 'ip6'] as const).flatMap((family) => {
      const mine = all.filter((each) => each.backend !== 'native' && each.family === family)
      const [first] = mine
      if (first === undefined) return []
      const tool = `${family}tables`
      return [
        `tool=${tool}`,
        `if command -v ${tool}-${first.backend}-save > /dev/null 2>&1; then tool=${tool}-${first.backend}; fi`,
        `"$tool-save" -t raw | grep -q -F -e '${first.key}' || "$tool-restore" --noflush << 'END' || exit`,
        '*raw',
        ...mine.map(({ chain, spec }) => `-A ${chain} ${spec}`),
        'COMMIT',
        'END',
      ]
    }),
  ]
  return [
    '# Written by ctfleet for ctfleet-notrack.service: rules that leave busy services out of connection tracking.',
    'PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin',
    ...parts,
    '',
  ].join('\n')
}
