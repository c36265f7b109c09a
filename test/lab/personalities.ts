/** What a kind of host is; its firewall and services are in `personalities/NAME.sh`. */
export type Personality = {
  readonly summary: string
  /** Inventory group. */
  readonly group: string
  /** The file under `personalities/`, without `.sh`; `none` where nobody answers at the address. */
  readonly script: string
  readonly user: 'root' | 'ops'
  /** How `ops` becomes root: without a password, or with the password `lab`. */
  readonly sudo?: 'nopasswd' | 'password'
  /** What the lab's known_hosts says: the host's own key, or another one. */
  readonly knownKey: 'own' | 'other'
}

const root = { user: 'root', knownKey: 'own' } as const

export const PERSONALITIES = {
  web: { ...root, group: 'web', script: 'web', summary: 'stateful default-drop web server, iptables-nft' },
  gateway: { ...root, group: 'nat', script: 'gateway', summary: 'MASQUERADE for an inside network, stateful FORWARD' },
  docker: { ...root, group: 'nat', script: 'docker', summary: "docker's chains, 8080 to 172.17.0.2:80 by DNAT" },
  legacy: { ...root, group: 'legacy', script: 'legacy', summary: 'iptables-legacy, -m state, accept policies' },
  nft: { ...root, group: 'nft', script: 'nft', summary: 'native nft, table inet filter, default drop' },
  native: { ...root, group: 'nft', script: 'native', summary: 'nft alone, no iptables; verdict maps and sub-chains' },
  both: { ...root, group: 'both', script: 'both', summary: 'legacy and nft rules live at once' },
  open: { ...root, group: 'open', script: 'open', summary: 'no firewall, netfilter never touched' },
  sudo: {
    ...root,
    group: 'web',
    script: 'web',
    user: 'ops',
    sudo: 'nopasswd',
    summary: 'login as ops, sudo asks nothing',
  },
  healthy: { ...root, group: 'healthy', script: 'healthy', summary: 'stateful firewall, an almost empty table' },
  askpass: {
    ...root,
    group: 'trouble',
    script: 'web',
    user: 'ops',
    sudo: 'password',
    summary: 'login as ops, sudo wants the password "lab"',
  },
  bastion: {
    ...root,
    group: 'bastion',
    script: 'bastion',
    summary: 'sshd as it comes, before hosts that only it reaches',
  },
  busybox: { ...root, group: 'trouble', script: 'busybox', summary: 'busybox is /bin/sh' },
  silent: { ...root, group: 'trouble', script: 'silent', summary: 'accepts TCP on port 22 and says nothing' },
  changedkey: { ...root, group: 'trouble', script: 'web', knownKey: 'other', summary: 'known_hosts holds another key' },
  dead: { ...root, group: 'trouble', script: 'none', summary: 'nobody answers at the address' },
} as const satisfies Record<string, Personality>

export type PersonalityName = keyof typeof PERSONALITIES

export const DEFAULT_HOSTS: readonly string[] = [
  'web-1',
  'gateway-1',
  'docker-1',
  'legacy-1',
  'nft-1',
  'both-1',
  'open-1',
  'sudo-1',
  'healthy-1',
]

/** `web-7` is a host with the personality `web`; throws for a name of another shape or an unknown personality. */
export function personalityOf(hostName: string): Personality {
  const name = /^([a-z]+)-\d{1,4}$/.exec(hostName)?.[1]
  if (name !== undefined && isPersonality(name)) return PERSONALITIES[name]
  throw new Error(`no such host: ${hostName}. Known: ${Object.keys(PERSONALITIES).join('-N, ')}-N`)
}

function isPersonality(name: string): name is PersonalityName {
  return Object.hasOwn(PERSONALITIES, name)
}
