import { fileChange, linesOf } from '../../src/firewall/file-text.ts'
import type { PersonalityName } from '../lab/index.ts'
import type { Wish } from '../support/hand-made-plan.ts'
import { acceptPort, edit } from '../support/rules.ts'

/** One kind of host and a plan for it that has a change of every kind which that host can have. */
export type Scenario = {
  readonly name: string
  readonly personality: PersonalityName
  readonly wishes: readonly Wish[]
  /** A rule for the file that the host loads at boot, by the text that the file has there. */
  readonly boot: BootRule
  /** Shell that makes ready what the plan is about. */
  readonly given?: string
  /** How many hosts share the work. */
  readonly hosts: number
}

type BootRule = {
  readonly path: string
  readonly reads: 'legacy' | 'nft' | 'native'
  readonly key: string
  readonly line: string
  /** How the line begins that it comes below. */
  readonly below: string
}

export function bootWish({ path, reads, key, line, below }: BootRule, text: string): Wish {
  const at = linesOf(text).findIndex((each) => each.startsWith(below)) + 1
  const given = { path, reads, family: reads === 'native' ? ('inet' as const) : ('ip' as const) }
  const rules = [{ action: 'add' as const, key, line }]
  const { text: _, ...change } = fileChange({ ...given, rules }, text, {
    insertions: [{ at, lines: [line] }],
    removed: [],
  })
  return ['rules-file', { files: [change] }]
}

const ESTABLISHED = 'net.netfilter.nf_conntrack_tcp_timeout_established'
const SYSCTL: Wish = ['sysctl', { key: ESTABLISHED, value: 86400 }]
// What is in there is in force after a reboot: the lab's hosts read it as real ones do.
const FILE: Wish = ['file', { path: '/etc/sysctl.d/90-ctfleet.conf', content: `# it's ours\n${ESTABLISHED} = 86400\n` }]
const OTHER_FILE: Wish = ['file', { path: '/etc/sysctl.d/50-there.conf', content: '# another\n' }]
const LINK: Wish = ['symlink', { path: '/etc/crash.wants/crash.service', target: '/etc/crash.service' }]
const BOOT: Omit<BootRule, 'reads'> = {
  path: '/etc/iptables/rules.v4',
  key: 'ctfleet:test:1',
  line: `-A INPUT ${acceptPort(8001, 'ctfleet:test:1')}`,
  below: '-A INPUT -i lo',
}
const THERE = "printf '# there\\n' > /etc/sysctl.d/50-there.conf"
const ANSWERS = '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'
const FLOW = { protocol: 'tcp', ports: [80], addresses: ['192.0.2.1'] }

function notrack(backend: 'legacy' | 'nft') {
  return edit({
    backend,
    table: 'raw',
    chain: 'PREROUTING',
    spec: '-p tcp -m tcp --dport 80 -m comment --comment ctfleet:test:2 -j CT --notrack',
    key: 'ctfleet:test:2',
  })
}

const WEB: readonly Wish[] = [
  SYSCTL,
  [
    'firewall',
    {
      edits: [
        edit({
          spec: acceptPort(8001, 'ctfleet:test:1'),
          key: 'ctfleet:test:1',
          after: '-i lo -j ACCEPT',
          before: ANSWERS,
        }),
        notrack('nft'),
      ],
      flows: [FLOW],
    },
  ],
  ['flush-entries', FLOW],
  FILE,
  OTHER_FILE,
  LINK,
]

const nativeEdit = (given: { readonly [name: string]: unknown }) => ({
  backend: 'native',
  family: 'inet',
  table: 'inet filter',
  chain: 'output',
  action: 'add',
  after: null,
  before: null,
  ...given,
})
const nftAccept = (port: number) => `tcp dport ${port} accept comment "ctfleet:test:${port}"`

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'sysctl, iptables-nft, entries, files, rules file, link',
    personality: 'web',
    given: THERE,
    wishes: WEB,
    boot: { ...BOOT, reads: 'nft' },
    hosts: 12,
  },
  {
    name: 'sysctl, iptables-legacy, rules file, link',
    personality: 'legacy',
    boot: { ...BOOT, reads: 'legacy' },
    hosts: 6,
    wishes: [
      SYSCTL,
      [
        'firewall',
        {
          edits: [
            edit({
              backend: 'legacy',
              action: 'remove',
              spec: '-m state --state RELATED,ESTABLISHED -j ACCEPT',
              key: '1',
              after: '-i lo -j ACCEPT',
              before: '-p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT',
            }),
            edit({ backend: 'legacy', spec: acceptPort(8001, 'ctfleet:test:1'), key: 'ctfleet:test:1' }),
            notrack('legacy'),
          ],
        },
      ],
      LINK,
    ],
  },
  {
    name: 'sysctl, nft and a table of our own, file, rules file',
    personality: 'native',
    boot: {
      path: '/etc/nftables.conf',
      reads: 'native',
      key: 'ctfleet:test:8001',
      line: `\t\t${nftAccept(8001)}`,
      below: '\t\tiif "lo" accept',
    },
    hosts: 6,
    wishes: [
      SYSCTL,
      [
        'firewall',
        {
          edits: [
            nativeEdit({ chain: 'input', spec: nftAccept(8001), key: 'ctfleet:test:8001', after: '5', before: '7' }),
            nativeEdit({ spec: nftAccept(8003), key: 'ctfleet:test:8003' }),
            nativeEdit({
              table: 'inet ctfleet',
              chain: 'prerouting',
              spec: 'tcp dport 80 notrack comment "ctfleet:test:prerouting"',
              key: 'ctfleet:test:prerouting',
            }),
          ],
        },
      ],
      FILE,
    ],
  },
  {
    name: 'busybox: sysctl, iptables-nft, entries, files, rules file, link',
    personality: 'busybox',
    given: THERE,
    boot: { ...BOOT, reads: 'nft' },
    wishes: WEB,
    hosts: 6,
  },
]
