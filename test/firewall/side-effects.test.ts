import { describe, expect, test } from 'vitest'
import { notrackPatch } from '../../src/firewall/notrack.ts'
import { standingServices } from '../../src/firewall/standing.ts'
import { removableStatefulRules } from '../../src/firewall/stateful.ts'
import { live } from './dump.ts'
import { accept, drop, match, native, payload, port, states } from './native-dump.ts'

const HTTP = { protocol: 'tcp', port: 80 } as const
const IPV4 = { families: ['ip'], backend: 'legacy' } as const
const STATEFUL = `filter INPUT DROP
  -i lo -j ACCEPT
  -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`

const judged = (rules: string) => notrackPatch([live(rules)], [HTTP], IPV4)

describe('what rules do to packets besides letting them pass', () => {
  test('a mark behind a stateful jump is set on untracked packets too', () => {
    const patch = judged(`mangle PREROUTING ACCEPT
      -m conntrack --ctstate NEW,ESTABLISHED -j WEB
      mangle WEB
      -p tcp -m tcp --dport 80 -j MARK --set-xmark 0x1/0xffffffff
      filter INPUT DROP
      -m mark --mark 0x1 -j ACCEPT`)
    expect(patch).toMatchObject({ safe: true })
    expect(patch.safe && patch.edits).toContainEqual(
      expect.objectContaining({
        table: 'mangle',
        chain: 'PREROUTING',
        spec: expect.stringMatching(/UNTRACKED .* -j WEB$/),
      }),
    )
  })

  test.each([
    [
      'a mark that untracked packets never come to',
      `mangle PREROUTING ACCEPT
       -m conntrack --ctstate INVALID,UNTRACKED -j RETURN
       -p tcp -m tcp --dport 80 -j MARK --set-xmark 0x1/0xffffffff
       filter INPUT DROP
       -m mark --mark 0x1 -j ACCEPT`,
      /-j MARK/,
    ],
    [
      'a field of the header that is written by state and read later',
      `mangle PREROUTING ACCEPT
       -p tcp -m conntrack --ctstate NEW,ESTABLISHED -j DSCP --set-dscp 0x0a
       filter INPUT DROP
       -p tcp -m tcp --dport 80 -m dscp --dscp 0x0a -j ACCEPT`,
      /-j DSCP/,
    ],
    [
      'a count of new connections that another port asks about',
      `${STATEFUL}
       -m conntrack --ctstate NEW -j SVC
       filter SVC
       -m hashlimit --hashlimit-above 10/min --hashlimit-mode srcip --hashlimit-name all -j RETURN
       -p tcp -m tcp --dport 80 -j ACCEPT
       -p tcp -m tcp --dport 22 -j ACCEPT`,
      /hashlimit|policy of INPUT/,
    ],
    [
      'a mark of the connection that replies are routed by',
      `mangle OUTPUT ACCEPT
       -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff
       ${STATEFUL}
       -p tcp -m tcp --dport 80 -j ACCEPT`,
      /--restore-mark/,
    ],
  ])('%s refuses the patch, by its rule', (_, rules, rule) => {
    expect(judged(rules)).toMatchObject({ safe: false, rule: expect.stringMatching(rule) })
  })

  test('a limit on what is only logged refuses nothing', () => {
    const rules = `${STATEFUL}
      -m conntrack --ctstate INVALID -m limit --limit 5/min -j LOG
      -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT`
    expect(judged(rules)).toMatchObject({ safe: true })
  })

  test.each([
    ['a mark', 'MARK --set-xmark 0x1/0xffffffff', '-m mark --mark 0x1 -j ACCEPT'],
    ['the size of segments', 'TCPMSS --clamp-mss-to-pmtu', ''],
  ])('%s that only a stateful jump leads to keeps the rules from going', (_, target, reader) => {
    const rules = `mangle FORWARD ACCEPT
      -m conntrack --ctstate NEW -j MORE
      mangle MORE
      -p tcp -m tcp --tcp-flags SYN,RST SYN -j ${target}
      filter FORWARD ACCEPT
      ${reader}`
    expect(removableStatefulRules([live(rules)])).toMatchObject({
      removable: false,
      rule: expect.stringContaining(target),
    })
  })

  test('a state that nobody knows is no answer', () => {
    const rules = `filter INPUT DROP
      -m conntrack --ctstate RELATED,ESTABL -j ACCEPT
      -p tcp -m tcp --dport 80 -j ACCEPT`
    expect(judged(rules)).toMatchObject({ safe: false, rule: expect.stringContaining('ESTABL') })
  })
})

describe("nft's own", () => {
  const from = (set: string) => match(payload('ip', 'saddr'), set)

  test('sets of one name in two tables are two sets', () => {
    const rules = native([
      {
        name: 'inet filter',
        chains: {
          input: {
            at: 'input 0 drop',
            rules: [
              [states('established'), accept],
              [from('@trusted'), port(80), states('new'), accept],
            ],
          },
        },
        sets: [{ name: 'trusted', type: 'ipv4_addr', handle: 9 }],
      },
      {
        name: 'ip other',
        chains: { input: { at: 'input 10 accept', rules: [[from('@trusted'), drop]] } },
        sets: [{ name: 'trusted', type: 'ipv4_addr', handle: 9 }],
      },
    ])
    const patch = notrackPatch(rules, [HTTP], { families: ['ip'], backend: 'native' })
    expect(patch.safe && patch.edits.some(({ spec }) => /@trusted .*untracked accept/.test(spec))).toBe(true)
  })

  test.each(['ct helper', 'ct expectation'])('%s, which comes after tracking, keeps its port tracked', (kind) => {
    const rules = native([
      {
        name: 'inet filter',
        chains: { pre: { at: 'prerouting 0 accept', rules: [[port(80), { [kind]: 'own' }]] } },
      },
    ])
    expect(notrackPatch(rules, [HTTP], { families: ['ip'], backend: 'native' })).toMatchObject({
      safe: false,
      why: expect.stringContaining('own'),
    })
  })
})

test('what rules of ours leave untracked is read back from them, in both tongues', () => {
  const bare = live(`${STATEFUL}\n-p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT`)
  for (const backend of ['legacy', 'native'] as const) {
    const rules = backend === 'legacy' ? [bare] : []
    const services = [HTTP, { protocol: 'tcp', port: 443 }, { protocol: 'tcp', port: 444 }] as const
    const patch = notrackPatch(rules, services, { families: ['ip'], backend })
    if (!patch.safe) throw new Error(patch.why)
    const raw = patch.edits.filter(({ spec }) => /NOTRACK|--notrack|notrack comment/.test(spec))
    expect(raw.length, backend).toBeGreaterThan(0)
    if (backend === 'native') continue
    const standing = live(
      ['raw PREROUTING ACCEPT', ...raw.filter(({ chain }) => chain === 'PREROUTING').map(({ spec }) => spec)].join(
        '\n',
      ),
    )
    expect(standingServices([standing])).toEqual(expect.arrayContaining([...services]))
    expect(standingServices([standing])).toHaveLength(3)
  }
})
