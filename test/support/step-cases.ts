import type { Edit } from '../../src/firewall/edits.ts'
import type { FileChange } from '../../src/firewall/file-text.ts'
import { nftFileChange } from '../../src/firewall/nft-file.ts'
import { saveFileChange } from '../../src/firewall/save-file.ts'
import type { Reading } from '../../src/model/reading.ts'
import type { Wish } from './hand-made-plan.ts'
import { acceptPort, edit } from './rules.ts'

/** One wish for the laws that every step kind keeps, with the host between its two states. */
export type StepCase = {
  readonly name: string
  readonly wish: Wish
  /** Shell that makes ready what the case needs before the first look, and that takes it away when all is done. */
  readonly given?: string
  readonly tidy?: string
  /** Shell that leaves the host somewhere on the way there, and on the way back. */
  readonly halfThere?: string
  readonly halfBack?: string
}

const ANSWERS = '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'
const SSH = '-p tcp -m conntrack --ctstate NEW -m tcp --dport 22 -j ACCEPT'
const HTTP = '-p tcp -m conntrack --ctstate NEW -m tcp --dport 80 -j ACCEPT'
const ICMP = '-p icmp -j ACCEPT'
const NOTRACK = '-p tcp -m tcp --dport 80 -m comment --comment ctfleet:test:raw -j CT --notrack'

function two(backend: 'legacy' | 'nft', family: 'ip' | 'ip6', neighbours: { after: string; before: string }) {
  const first = acceptPort(8001, 'ctfleet:test:1')
  return {
    edits: [
      edit({ backend, family, spec: first, key: 'ctfleet:test:1', ...neighbours }),
      edit({
        backend,
        family,
        spec: acceptPort(8002, 'ctfleet:test:2'),
        key: 'ctfleet:test:2',
        after: first,
        before: neighbours.before,
      }),
    ],
  }
}

/** A file as a service loads it at boot; in the laws nobody loads it. */
const SAVED_PATH = '/etc/iptables/test.v4'
const SAVED = `# ours: don't touch $(exit 9)
*filter
:INPUT DROP [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT ${SSH}
-A INPUT ${HTTP}
-A INPUT ${ICMP}
COMMIT
`

/** Only comments of this form make a rule ours to those who read files. */
const IN_FILE = 'ctfleet:notrack:0123456789'
const NOTRACK_IN_FILE = `-p tcp -m tcp --dport 80 -m comment --comment ${IN_FILE} -j CT --notrack`

function inSaved(edits: readonly ReturnType<typeof edit>[], text: string | null = SAVED, path = SAVED_PATH) {
  return changeOf(saveFileChange({ path, text, family: 'ip' }, 'nft', edits as readonly Edit[]))
}

function changeOf(change: Reading<FileChange>): FileChange {
  if (!change.known) throw new Error(change.why)
  return change.value
}

function writes(path: string, text: string, mode: string, owner: string): string {
  return `printf '%s' '${text.replaceAll("'", `'\\''`)}' > ${path} && chmod ${mode} ${path} && chown ${owner} ${path}`
}

/** Cases for the stateful web server, whose rules are in nf_tables. */
export const WEB_CASES: readonly StepCase[] = [
  {
    name: 'sysctl: a timeout',
    wish: ['sysctl', { key: 'net.netfilter.nf_conntrack_tcp_timeout_established', value: 7200 }],
    halfThere: 'echo 86400 > /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established',
  },
  { name: 'sysctl: a switch', wish: ['sysctl', { key: 'net.netfilter.nf_conntrack_tcp_loose', value: 0 }] },
  {
    name: 'firewall: two rules between their neighbours',
    wish: ['firewall', two('nft', 'ip', { after: SSH, before: HTTP })],
    halfThere: `iptables-nft -I INPUT 4 ${acceptPort(8001, 'ctfleet:test:1')}`,
    halfBack: `iptables-nft -D INPUT ${acceptPort(8001, 'ctfleet:test:1')}`,
  },
  {
    name: 'firewall: two rules of IPv6',
    wish: ['firewall', two('nft', 'ip6', { after: SSH, before: HTTP })],
    halfThere: `ip6tables-nft -I INPUT 4 ${acceptPort(8001, 'ctfleet:test:1')}`,
    halfBack: `ip6tables-nft -D INPUT ${acceptPort(8002, 'ctfleet:test:2')}`,
  },
  {
    name: 'firewall: a notrack rule in a table that is not there',
    wish: [
      'firewall',
      {
        edits: [edit({ table: 'raw', chain: 'PREROUTING', spec: NOTRACK, key: 'ctfleet:test:raw' })],
        flows: [{ protocol: 'tcp', ports: [80], addresses: ['198.18.0.10'] }],
      },
    ],
  },
  {
    name: 'firewall: rules removed from the middle and the end',
    wish: [
      'firewall',
      {
        edits: [
          edit({ action: 'remove', spec: HTTP, key: '1', after: SSH, before: HTTP.replace('80', '443') }),
          edit({ action: 'remove', spec: ICMP, key: '2', after: HTTP.replace('80', '443'), before: null }),
        ],
      },
    ],
    halfThere: `iptables-nft -D INPUT ${HTTP}`,
    halfBack: `iptables-nft -A INPUT ${ICMP}`,
  },
  {
    name: 'firewall: one comes and one goes at the same place',
    wish: [
      'firewall',
      {
        edits: [
          edit({
            spec: acceptPort(8001, 'ctfleet:test:1'),
            key: 'ctfleet:test:1',
            after: '-i lo -j ACCEPT',
            before: ANSWERS,
          }),
          edit({ action: 'remove', spec: HTTP, key: '2', after: SSH, before: HTTP.replace('80', '443') }),
        ],
      },
    ],
    halfThere: `iptables-nft -D INPUT ${HTTP}`,
  },
  {
    name: 'firewall: equal rules are told apart, and a rule that says nothing has a place',
    given: `iptables-nft -I INPUT 2; iptables-nft -I INPUT 4 ${HTTP}; iptables-nft -I INPUT 4 -s 192.0.2.0/24 -m comment --comment "it's \\"our\\" \\$(own)" -j DROP`,
    tidy: 'iptables-nft-restore < /etc/iptables/rules.v4',
    wish: [
      'firewall',
      {
        edits: [
          edit({
            action: 'remove',
            spec: HTTP,
            key: '1',
            after: '-s 192.0.2.0/24 -m comment --comment "it\'s \\"our\\" $(own)" -j DROP',
            before: SSH,
          }),
          edit({ action: 'remove', spec: HTTP, key: '2', after: SSH, before: HTTP.replace('80', '443') }),
        ],
      },
    ],
    halfThere: `iptables-nft -D INPUT ${HTTP}`,
  },
  {
    name: 'flush-entries',
    given: 'conntrack -I -p tcp -s 10.9.9.9 -d 198.18.0.10 --sport 1024 --dport 80 --state ESTABLISHED -t 3600',
    tidy: 'conntrack -F 2> /dev/null',
    wish: ['flush-entries', { protocol: 'tcp', ports: [80], addresses: ['198.18.0.10', 'fd00::1'] }],
  },
  {
    name: 'file: a new one, whatever it holds',
    wish: [
      'file',
      {
        path: '/etc/sysctl.d/90-test.conf',
        content: "# it's \"ours\" $(touch /tmp/ran) `id` \\n %s \\\n\n\ttab é€😀\n'''\nno newline at the end",
      },
    ],
    halfThere: 'echo other > /etc/sysctl.d/90-test.conf.ctfleet-staged',
    halfBack: 'echo other > /etc/sysctl.d/90-test.conf.ctfleet-staged',
  },
  {
    name: 'file: an empty one',
    wish: ['file', { path: '/etc/sysctl.d/91-test.conf', content: '' }],
    halfThere: ': > /etc/sysctl.d/91-test.conf.ctfleet-staged',
  },
  {
    name: 'file: in a directory that is not there',
    wish: ['file', { path: '/etc/test-of-ours/a.conf', content: 'x = 1\n' }],
    halfThere: 'mkdir /etc/test-of-ours',
    halfBack: 'rm /etc/test-of-ours/a.conf',
  },
  {
    name: 'file: instead of what it held, with the mode kept',
    given: "umask 077; printf 'a = 1\\n\\n\\n' > /etc/sysctl.d/92-test.conf; chmod 640 /etc/sysctl.d/92-test.conf",
    tidy: 'rm /etc/sysctl.d/92-test.conf',
    wish: ['file', { path: '/etc/sysctl.d/92-test.conf', content: 'a = 2\n' }],
    halfThere: 'umask 077; echo "a = 2" > /etc/sysctl.d/92-test.conf.ctfleet-staged',
    halfBack: 'echo "a = 2" > /etc/sysctl.d/92-test.conf.ctfleet-staged',
  },
  {
    name: 'symlink: one that enables a service, in a directory that is not there',
    wish: ['symlink', { path: '/etc/test-of-ours.wants/a.service', target: '/etc/test-of-ours/a.service' }],
    halfThere: 'mkdir /etc/test-of-ours.wants',
    halfBack: 'rm /etc/test-of-ours.wants/a.service',
  },
  {
    name: 'rules-file: lines come and go between their neighbours, in a file whose mode and owner stay',
    given: writes(SAVED_PATH, SAVED, '640', '0:1'),
    tidy: `rm ${SAVED_PATH}`,
    wish: [
      'rules-file',
      {
        files: [
          inSaved([
            edit({
              spec: `-m conntrack --ctstate UNTRACKED -m comment --comment ${IN_FILE}-2 -j ACCEPT`,
              key: `${IN_FILE}-2`,
              after: SSH,
              before: HTTP,
            }),
            edit({ action: 'remove', spec: HTTP, key: '2', after: SSH, before: ICMP }),
            edit({ table: 'raw', chain: 'PREROUTING', spec: NOTRACK_IN_FILE, key: IN_FILE }),
          ]),
        ],
      },
    ],
    halfThere: `echo half > ${SAVED_PATH}.ctfleet-staged`,
    halfBack: `echo half > ${SAVED_PATH}.ctfleet-staged`,
  },
  {
    name: 'rules-file: two files, one of which is made',
    given: writes(SAVED_PATH, SAVED, '644', '0:0'),
    tidy: `rm ${SAVED_PATH}`,
    wish: [
      'rules-file',
      {
        files: [
          inSaved([edit({ table: 'raw', chain: 'PREROUTING', spec: NOTRACK_IN_FILE, key: IN_FILE })]),
          inSaved(
            [edit({ table: 'raw', chain: 'PREROUTING', spec: NOTRACK_IN_FILE, key: IN_FILE })],
            null,
            '/etc/iptables/made.v4',
          ),
        ],
      },
    ],
  },
  {
    name: 'file: a variable commented out',
    given:
      'mkdir -p /etc/sysconfig; printf \'# IPTABLES_MODULES="x"\\n  IPTABLES_MODULES="nf_conntrack_ftp nf_nat_ftp" # why\\nIPTABLES_MODULES_UNLOAD="yes"\\n\' > /etc/sysconfig/iptables-config',
    tidy: 'rm -r /etc/sysconfig',
    wish: ['file', { path: '/etc/sysconfig/iptables-config', comment_out: 'IPTABLES_MODULES' }],
  },
]

/** Cases for the host whose rules are iptables-legacy's. */
export const LEGACY_CASES: readonly StepCase[] = [
  {
    name: 'firewall, legacy: two rules between their neighbours',
    wish: [
      'firewall',
      two('legacy', 'ip', { after: '-i lo -j ACCEPT', before: '-m state --state RELATED,ESTABLISHED -j ACCEPT' }),
    ],
    halfThere: `iptables-legacy -I INPUT 2 ${acceptPort(8001, 'ctfleet:test:1')}`,
    halfBack: `iptables-legacy -D INPUT ${acceptPort(8001, 'ctfleet:test:1')}`,
  },
  {
    name: 'firewall, legacy: two rules of IPv6',
    wish: [
      'firewall',
      two('legacy', 'ip6', { after: '-i lo -j ACCEPT', before: '-m state --state RELATED,ESTABLISHED -j ACCEPT' }),
    ],
    halfThere: `ip6tables-legacy -I INPUT 2 ${acceptPort(8001, 'ctfleet:test:1')}`,
  },
  {
    name: 'firewall, legacy: the stateful rules removed',
    wish: [
      'firewall',
      {
        edits: [
          [
            'RELATED,ESTABLISHED -j ACCEPT',
            '-i lo -j ACCEPT',
            '-p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT',
          ],
        ].map(([state, after, before]) =>
          edit({
            backend: 'legacy',
            action: 'remove',
            spec: `-m state --state ${state}`,
            key: '1',
            after: after ?? '',
            before: before ?? '',
          }),
        ),
      },
    ],
  },
]

/** Cases for the host without rules, where nothing is tracked. */
export const OPEN_CASES: readonly StepCase[] = [
  {
    name: 'flush-entries: all, of both families',
    given: `conntrack -I -p tcp -s 10.9.9.9 -d 198.18.0.10 --sport 1024 --dport 80 --state ESTABLISHED -t 3600
conntrack -I -p udp -s fd00::9 -d fd00::1 --sport 1024 --dport 53 -t 3600`,
    tidy: 'conntrack -F 2> /dev/null',
    wish: ['flush-entries', { all: true }],
  },
]

type NativeEdit = {
  readonly action?: 'remove'
  readonly table?: string
  readonly chain?: string
  readonly spec: string
  readonly key: string
  readonly after?: string
  readonly before?: string
  readonly handle?: number
}

function nativeEdit(given: NativeEdit) {
  const place = { family: 'inet', table: 'inet filter', chain: 'output', action: 'add', after: null, before: null }
  return { backend: 'native', ...place, ...given }
}

function nftAccept(port: number, key: string): string {
  return `tcp dport ${port} accept comment "${key}"`
}

/** A reload gives the same handles each time; what is added then gets the next ones, from 12 on. */
const RELOADED = 'nft -f /etc/nftables.conf'
const ODD = `tcp dport 7 ct state new accept comment "it's \\ $(own) %s $7"`

const EMPTY_NFT = '#!/usr/sbin/nft -f\n\nflush ruleset\n'

/** Cases for the host whose rules are nft's own, which has no iptables. */
export const NATIVE_CASES: readonly StepCase[] = [
  {
    name: 'firewall, native: two rules between their neighbours, and one in a chain that was empty',
    wish: [
      'firewall',
      {
        edits: [
          ...[8001, 8002].map((port) =>
            nativeEdit({
              chain: 'input',
              spec: nftAccept(port, `ctfleet:test:${port}`),
              key: `ctfleet:test:${port}`,
              after: '5',
              before: '7',
            }),
          ),
          nativeEdit({ spec: nftAccept(8003, 'ctfleet:test:8003'), key: 'ctfleet:test:8003' }),
        ],
      },
    ],
    given: RELOADED,
    halfThere: `nft 'add rule inet filter input position 5 ${nftAccept(8001, 'ctfleet:test:8001')}'`,
    halfBack:
      "nft delete rule inet filter output handle $(nft -a list chain inet filter output | sed -n 's/.*ctfleet:test:8003.* # handle //p')",
  },
  {
    name: 'firewall, native: notrack rules in a table of their own, which goes with them',
    wish: [
      'firewall',
      {
        edits: ['prerouting', 'output'].map((chain) =>
          nativeEdit({
            table: 'inet ctfleet',
            chain,
            spec: `tcp ${chain === 'output' ? 'sport' : 'dport'} 80 notrack comment "ctfleet:test:${chain}"`,
            key: `ctfleet:test:${chain}`,
          }),
        ),
        flows: [{ protocol: 'tcp', ports: [80], addresses: ['198.18.0.10'] }],
      },
    ],
    halfThere: "nft 'add table inet ctfleet'",
  },
  {
    name: 'firewall, native: rules removed from the top, the middle and the end, some of them equal',
    given: `${RELOADED}
nft 'add rule inet filter output ct state established accept
add rule inet filter output ct state new counter accept
add rule inet filter output tcp dport 9 accept
add rule inet filter output ct state new counter accept'`,
    tidy: RELOADED,
    wish: [
      'firewall',
      {
        edits: [
          { spec: 'ct state established accept', key: '1', before: '14 tcp dport 9 accept', handle: 12 },
          { spec: 'ct state new counter accept', key: '2', before: '14 tcp dport 9 accept', handle: 13 },
          { spec: 'ct state new counter accept', key: '3', after: '14 tcp dport 9 accept', handle: 15 },
        ].map((each) => nativeEdit({ action: 'remove', ...each })),
      },
    ],
    halfThere:
      "nft delete rule inet filter output handle $(nft -a list chain inet filter output | sed -n 's/.*established accept # handle //p')",
  },
  {
    name: 'firewall, native: one comes and one goes, whatever its comment holds',
    given: `${RELOADED}
nft -f - << 'END'
add rule inet filter output tcp dport 9 accept
add rule inet filter output ${ODD}
END`,
    tidy: RELOADED,
    wish: [
      'firewall',
      {
        edits: [
          nativeEdit({ spec: nftAccept(8001, 'ctfleet:test:1'), key: 'ctfleet:test:1', after: '12', before: '13' }),
          nativeEdit({ action: 'remove', spec: ODD, key: '2', after: '12 tcp dport 9 accept', handle: 13 }),
        ],
      },
    ],
  },
  {
    name: 'rules-file: nft, a table of our own below what is there',
    given: writes('/etc/test.nft', EMPTY_NFT, '755', '0:0'),
    tidy: 'rm /etc/test.nft',
    wish: [
      'rules-file',
      {
        files: [
          changeOf(
            nftFileChange(
              { path: '/etc/test.nft', text: EMPTY_NFT },
              [],
              [
                nativeEdit({
                  table: 'inet ctfleet',
                  chain: 'prerouting',
                  spec: `tcp dport 80 notrack comment "${IN_FILE}"`,
                  key: IN_FILE,
                }) as Edit,
              ],
            ),
          ),
        ],
      },
    ],
  },
]
