import { describe, expect, test } from 'vitest'
import { entries } from '../../src/facts/entries.ts'
import { type EntrySample, MOST_NAMED } from '../../src/model/facts.ts'
import { known } from '../../src/model/reading.ts'
import { asProbed } from '../../src/plan/as-probed.ts'
import { factsWith } from '../diagnosis/sample-facts.ts'
import { answers, corpusFiles, NO_CORPUS } from './answers.ts'

function sampleOf(lines: readonly string[], addresses?: string, generation = 'nf'): EntrySample {
  const table = `/proc/net/${generation}_conntrack`
  const output = `file ${table}\n==> /proc/sys/count <==\n1000\n\n==> ${table} <==\n${lines.join('\n')}\n`
  const { sample } = entries.parse(answers({ entries: output, ...(addresses === undefined ? {} : { addresses }) }))
  if (!sample.known) throw new Error(sample.why)
  return sample.value
}

const keys = (shares: EntrySample['byState']) => shares.map(({ key }) => key)

describe('lines of every kernel', () => {
  const TCP = 'src=192.0.2.1 dst=192.0.2.2 sport=40000 dport=443 src=192.0.2.2 dst=192.0.2.1 sport=443 dport=40000'
  const BARE = 'src=192.0.2.1 dst=192.0.2.2'

  test.each([
    ['before families', `tcp      6 431999 ESTABLISHED ${TCP} [ASSURED] use=1 `, 'tcp', 'ESTABLISHED'],
    [
      'with a family',
      `ipv4     2 tcp      6 431999 ESTABLISHED ${TCP} [ASSURED] mark=0 zone=0 use=2`,
      'tcp',
      'ESTABLISHED',
    ],
    ['offloaded, without seconds', `ipv4     2 tcp      6 ${TCP} [OFFLOAD] mark=0 zone=0 use=3`, 'tcp', 'OFFLOAD'],
    ['offloaded to hardware', `ipv4     2 udp      17 ${TCP} [HW_OFFLOAD] mark=0 use=3`, 'udp', 'HW_OFFLOAD'],
    [
      'zone in the direction',
      `ipv4     2 tcp      6 9 CLOSE ${TCP.replace('dport=443', 'dport=443 zone-orig=7')} use=1`,
      'tcp',
      'CLOSE',
    ],
    ['secctx with colons', `ipv4 2 udp 17 29 ${TCP} mark=0 secctx=system_u:object_r:src_t:s0 use=2`, 'udp', 'REPLIED'],
    ['state of two words', `ipv4 2 sctp 132 3 COOKIE_ECHOED ${TCP} mark=0 use=2`, 'sctp', 'COOKIE_ECHOED'],
    [
      'unknown protocol',
      `ipv4     2 unknown  2 255 ${BARE} [UNREPLIED] ${BARE} mark=0 use=2`,
      'protocol 2',
      'UNREPLIED',
    ],
    [
      'gre with timeouts',
      `ipv4     2 gre      47 17999 timeout=600, stream_timeout=18000 ${BARE} srckey=0xa5 dstkey=0xa9 ${BARE} [ASSURED] use=3`,
      'gre',
      'ASSURED',
    ],
    [
      'ICMP',
      `ipv4     2 icmp     1 29 ${BARE} type=8 code=0 id=77 [UNREPLIED] ${BARE} type=0 code=0 id=77 use=2`,
      'icmp',
      'UNREPLIED',
    ],
  ])('%s', (_, line, protocol, state) => {
    const sample = sampleOf([line])
    expect({ read: sample.read, unreadable: sample.unreadable }).toEqual({ read: 1, unreadable: 0 })
    expect(keys(sample.byProtocol)).toEqual([protocol])
    expect(keys(sample.byState)).toEqual([state])
    expect(keys(sample.bySource)).toEqual(['192.0.2.1'])
  })

  test('IPv6 is written the short way', () => {
    const line =
      'ipv6     10 tcp      6 9 TIME_WAIT src=2001:0db8:0000:0000:0000:0000:0000:0001 dst=fe80::1 sport=1 dport=2 src=fe80::1 dst=::1'
    expect(keys(sampleOf([line]).bySource)).toEqual(['2001:db8::1'])
  })
})

test('shares are of what was read, and lines that make no sense are counted', () => {
  const line = (source: number, port: number) =>
    `ipv4 2 tcp 6 5 TIME_WAIT src=10.0.0.${source} dst=10.0.1.${port % 2} sport=1 dport=${port} src=1.1.1.1 dst=1.1.1.1 use=1`
  const sample = sampleOf(
    [line(1, 80), line(1, 80), line(2, 80), line(3, 443), 'nonsense', line(300, 80)],
    '10.0.1.0\n',
  )
  expect(sample).toMatchObject({ read: 4, total: 1000, unreadable: 2 })
  expect(sample.bySource).toEqual([
    { key: '10.0.0.1', entries: 2, share: 0.5 },
    { key: '10.0.0.2', entries: 1, share: 0.25 },
    { key: '10.0.0.3', entries: 1, share: 0.25 },
  ])
  expect(sample.byDestinationPort).toEqual([
    {
      ...{ key: 'tcp/80', entries: 3, share: 0.75, protocol: 'tcp', port: 80, local: 1 },
      states: [{ key: 'TIME_WAIT', entries: 3, share: 0.75 }],
    },
    {
      ...{ key: 'tcp/443', entries: 1, share: 0.25, protocol: 'tcp', port: 443, local: 0 },
      states: [{ key: 'TIME_WAIT', entries: 1, share: 0.25 }],
    },
  ])
})

test('no more are named than those who read the facts reckon with', () => {
  const line = (port: number) =>
    `ipv4 2 tcp 6 5 TIME_WAIT src=10.0.${port}.1 dst=10.0.1.1 sport=1 dport=${port} src=1.1.1.1 dst=1.1.1.1 use=1`
  const named = (ports: number) => sampleOf(Array.from({ length: ports }, (_, at) => line(at + 1)))
  expect(named(MOST_NAMED + 2).byDestinationPort).toHaveLength(MOST_NAMED)
  expect(named(MOST_NAMED + 2).bySource).toHaveLength(MOST_NAMED)
  const flush = { kind: 'flush-entries', want: { protocol: 'tcp', ports: [443] } }
  const found = (ports: number) => {
    const all = { ...named(ports), total: ports }
    return asProbed(flush, factsWith({ entries: { sample: known(all) } }), known(new Set()))
  }
  expect(found(MOST_NAMED - 1)).toEqual(known('none\n'))
  expect(found(MOST_NAMED + 2).known).toBe(false)
})

test('states are counted port by port, as shares of all that was read', () => {
  const line = (state: string, port: number) =>
    `ipv4 2 tcp 6 5 ${state} src=10.0.0.1 dst=10.0.1.1 sport=1 dport=${port} src=1.1.1.1 dst=1.1.1.1 use=1`
  const sample = sampleOf([
    ...Array.from({ length: 7 }, () => line('TIME_WAIT', 443)),
    line('ESTABLISHED', 443),
    line('ESTABLISHED', 22),
    line('ESTABLISHED', 22),
  ])
  expect(sample.byDestinationPort.map(({ key, states }) => [key, states])).toEqual([
    [
      'tcp/443',
      [
        { key: 'TIME_WAIT', entries: 7, share: 0.7 },
        { key: 'ESTABLISHED', entries: 1, share: 0.1 },
      ],
    ],
    ['tcp/22', [{ key: 'ESTABLISHED', entries: 2, share: 0.2 }]],
  ])
})

describe('how soon entries run out', () => {
  const udp = (seconds: string) =>
    `ipv4 2 udp 17 ${seconds} src=10.0.0.1 dst=10.0.0.2 sport=1 dport=53 src=10.0.0.2 dst=10.0.0.1 sport=53 dport=1 use=1`

  test('is told by when half, nine tenths and all of those read are gone', () => {
    const lines = [432_000, 3, 1, 2, 9, 8, 7, 6, 5, 4].map((seconds) => udp(String(seconds)))
    expect(sampleOf(lines).remaining).toEqual({ told: 10, half: 5, ninety: 9, longest: 432_000 })
    expect(sampleOf([udp('30')]).remaining).toEqual({ told: 1, half: 30, ninety: 30, longest: 30 })
  })

  test.each([
    ['one that is offloaded tells none', udp('').replace('use=1', '[OFFLOAD] use=1'), null],
    ['none is read out of the timeouts of GRE', udp('17999 timeout=600, stream_timeout=18000'), 17_999],
    ['one that waits to be collected has none left', udp('-1'), 0],
    ['a state of its own is no time', udp('ESTABLISHED'), null],
  ])('%s', (_, line, half) => {
    const { read, remaining } = sampleOf([line])
    expect({ read, half: remaining?.half ?? null }).toEqual({ read: 1, half })
  })

  test('those that tell none are left out of it, and counted by what is missing', () => {
    const sample = sampleOf([udp('10'), udp('20'), udp('').replace('use=1', '[HW_OFFLOAD] use=1')])
    expect(sample).toMatchObject({ read: 3, remaining: { told: 2, half: 10, longest: 20 } })
    expect(sampleOf([]).remaining).toBeNull()
  })
})

test('where the host could not list its addresses, nobody claims to know what is local', () => {
  const line = 'ipv4 2 tcp 6 5 CLOSE src=10.0.0.1 dst=10.0.0.2 sport=1 dport=80 src=1.1.1.1 dst=1.1.1.1'
  for (const addresses of ['none\n', '10.0.0.1\ncut\n', undefined]) {
    expect(sampleOf([line], addresses).byDestinationPort[0]?.local).toBeNull()
  }
})

test('a table that only root may read, and none at all, are unknown for different reasons', () => {
  const why = (output: string) => {
    const { sample } = entries.parse(answers({ entries: output }))
    return sample.known ? sample.value : sample.why
  }
  expect(why('unreadable /proc/net/nf_conntrack\n')).toBe('only root may read /proc/net/nf_conntrack')
  expect(why('')).toBe('the kernel lists no entries in /proc/net')
})

test('public listings read, or say why not', (ctx) => {
  const files = corpusFiles('03-conntrack-listings')
  if (files === undefined) return ctx.skip(NO_CORPUS)
  const seen = [...files].map(([path, text]) => {
    const output = `file /proc/net/nf_conntrack\n==> count <==\n7\n\n==> /proc/net/nf_conntrack <==\n${text}`
    return { path, ...entries.parse(answers({ entries: output })) }
  })
  for (const { path, sample } of seen) {
    // Articles, events and redacted addresses are no tables.
    if (/\.(conntrack-E|nf_conntrack_expect|txt)$|redacted/.test(path)) continue
    if (!sample.known) throw new Error(`${path}: ${sample.why}`)
    expect(sample.value.read, path).toBeGreaterThan(0)
    expect(sample.value.unreadable, path).toBe(0)
    // Every line of these has its time; public listings of offloaded flows are not among them.
    expect(sample.value.remaining?.told, path).toBe(sample.value.read)
  }
})
