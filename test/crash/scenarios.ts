import type { PersonalityName } from '../lab/index.ts'
import type { Wish } from '../support/hand-made-plan.ts'
import { acceptPort, edit } from '../support/rules.ts'

/** One kind of host and a plan for it that has a change of every kind which that host can have. */
export type Scenario = {
  readonly name: string
  readonly personality: PersonalityName
  readonly wishes: readonly Wish[]
  /** Shell that makes ready what the plan is about. */
  readonly given?: string
  /** How many hosts share the work. */
  readonly hosts: number
}

const ESTABLISHED = 'net.netfilter.nf_conntrack_tcp_timeout_established'
const SYSCTL: Wish = ['sysctl', { key: ESTABLISHED, value: 86400 }]
// What is in there is in force after a reboot: the lab's hosts read it as real ones do.
const FILE: Wish = ['file', { path: '/etc/sysctl.d/90-ctfleet.conf', content: `# it's ours\n${ESTABLISHED} = 86400\n` }]
const OTHER_FILE: Wish = ['file', { path: '/etc/sysctl.d/50-there.conf', content: '# another\n' }]
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
  { name: 'sysctl, iptables-nft, entries, files', personality: 'web', given: THERE, wishes: WEB, hosts: 6 },
  {
    name: 'sysctl, iptables-legacy, file',
    personality: 'legacy',
    hosts: 3,
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
            notrack('legacy'),
          ],
        },
      ],
      FILE,
    ],
  },
  {
    name: 'sysctl, nft and a table of our own, file',
    personality: 'native',
    hosts: 3,
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
    name: 'busybox: sysctl, iptables-nft, entries, files',
    personality: 'busybox',
    given: THERE,
    wishes: WEB,
    hosts: 3,
  },
]
