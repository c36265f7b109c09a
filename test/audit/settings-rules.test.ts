import { describe, expect, test } from 'vitest'
import type { Facts, PersistenceFile } from '../../src/model/facts.ts'
import { known, unknown } from '../../src/model/reading.ts'
import { factsWith, HEALTHY } from '../diagnosis/sample-facts.ts'
import { findingsIn, foundBy } from './auditing.ts'

const EARLY: PersistenceFile = { path: '/etc/modules-load.d/conntrack.conf', lines: ['nf_conntrack'] }
const file = (path: string, ...lines: readonly string[]): PersistenceFile => ({ path, lines })
const setting = (key: string, value: number) => `net.netfilter.nf_conntrack_${key} = ${value}`

type More = Parameters<typeof factsWith>[0]

/** A host that runs with `max` entries, with these files that set conntrack. */
const host = (max: number, files: readonly PersistenceFile[], more: More = {}): Facts =>
  factsWith({
    ...more,
    conntrack: { max: known(max), usage: known(0.02), ...more.conntrack },
    persistence: { files: known(files), ...more.persistence },
  })
const titles = (rule: string, facts: Facts) => foundBy(rule, facts).map(({ title }) => title)
const evidence = (rule: string, facts: Facts) => foundBy(rule, facts).flatMap((finding) => finding.evidence)

test('a healthy host with the kernel of its own settings has nothing against it but their length', () => {
  expect(findingsIn(HEALTHY).map(({ rule, severity }) => `${severity} ${rule}`)).toEqual([
    'info long-timeouts',
    'info tracking-unneeded',
  ])
})

describe('what would not survive a reboot', () => {
  test('a max that was only typed', () => {
    const [finding] = foundBy('not-persistent', host(1_000_000, []))
    expect(finding?.title).toBe('1 setting would not survive a reboot: max')
    expect(finding?.evidence).toEqual(['max is 1\u202f000\u202f000, which no file sets'])
    expect(finding?.remedy).toBe(
      "on HOST as root: printf '%s\\n' 'net.netfilter.nf_conntrack_max = 1000000' >> /etc/sysctl.d/90-conntrack.conf" +
        ' && echo nf_conntrack > /etc/modules-load.d/conntrack.conf',
    )
  })

  test.each([65_536, 262_144, 524_288])('not a max that may be the kernel’s own: %i', (max) => {
    expect(titles('not-persistent', host(max, []))).toEqual([])
  })

  test('timeouts and buckets, each by its name', () => {
    const timeouts = known({ tcp_timeout_established: 3600, tcp_timeout_time_wait: 120, udp_timeout_stream: 180 })
    const facts = host(262_144, [], { conntrack: { timeouts, hashSize: known(100_352) } })
    expect(titles('not-persistent', facts)).toEqual([
      '2 settings would not survive a reboot: buckets, tcp_timeout_established',
    ])
  })

  test('sysctl.d is read before the module is there, so that its settings are lost', () => {
    const files = [file('/etc/sysctl.d/90-net.conf', setting('max', 1_000_000))]
    expect(evidence('not-persistent', host(1_000_000, files))).toEqual([
      '/etc/sysctl.d/90-net.conf: read at boot before anything loads nf_conntrack, so without effect',
    ])
    expect(titles('not-persistent', host(1_000_000, [...files, EARLY]))).toEqual([])
    const builtIn: More = { conntrack: { form: known('built-in') } }
    expect(titles('not-persistent', host(1_000_000, files, builtIn))).toEqual([])
  })

  test('systemd reads no sysctl.conf unless a link in sysctl.d leads there', () => {
    const conf = file('/etc/sysctl.conf', setting('max', 1_000_000))
    expect(evidence('not-persistent', host(1_000_000, [conf, EARLY]))).toEqual([
      'max is 1\u202f000\u202f000, which only /etc/sysctl.conf sets, and systemd reads no such file',
    ])
    const linked = file('/etc/sysctl.d/99-sysctl.conf', setting('max', 1_000_000))
    expect(titles('not-persistent', host(1_000_000, [conf, linked, EARLY]))).toEqual([])
    const other: More = { system: { init: known('other') } }
    expect(titles('not-persistent', host(1_000_000, [conf], other))).toEqual([])
  })

  test('what one file makes and a later one undoes; this is then no setting that is not in force', () => {
    const mine = file('/etc/sysctl.d/60-site.conf', setting('max', 1_000_000))
    const other = file('/etc/sysctl.d/99-other.conf', setting('max', 131_072))
    const facts = host(1_000_000, [mine, other, EARLY])
    expect(evidence('not-persistent', facts)).toEqual([
      'max is as /etc/sysctl.d/60-site.conf sets it (1\u202f000\u202f000), and /etc/sysctl.d/99-other.conf, which is read later, sets it to 131\u202f072',
    ])
    expect(foundBy('not-persistent', facts)[0]?.remedy).toBe(
      'on HOST: take max out of /etc/sysctl.d/99-other.conf, or, where it is right, apply it now',
    )
    expect(titles('not-in-force', facts)).toEqual([])
    expect(titles('not-persistent', host(131_072, [mine, other, EARLY]))).toEqual([])
    expect(titles('not-in-force', host(262_144, [mine, other, EARLY]))).toHaveLength(1)
  })

  test('what kube-proxy sets whenever it starts needs no file', () => {
    const node: More = { managers: { present: known([{ name: 'kubernetes', sign: 'kubelet' }]) } }
    expect(titles('not-persistent', host(1_000_000, [], node))).toEqual([])
  })

  test('in a container all of it is the node’s', () => {
    const container: More = { system: { container: known('lxc') } }
    expect(titles('not-persistent', host(1_000_000, [], container))).toEqual([])
  })

  test('files that could not be read are told as such', () => {
    const denied = { persistence: { files: unknown('/etc/sysctl.d/9.conf is not readable for this user') } }
    expect(foundBy('cannot-tell', host(1_000_000, [], denied))).toMatchObject([
      {
        severity: 'warning',
        title: 'cannot tell whether its settings survive a reboot, whether settings in files are in force',
        evidence: ['/etc/sysctl.d/9.conf is not readable for this user'],
      },
    ])
  })
})

describe('what is in files and not in force', () => {
  const off = (...files: readonly PersistenceFile[]) => evidence('not-in-force', host(262_144, [...files, EARLY]))
  const says = (path: string, max: string) => `${path} sets max to ${max}, and it is 262\u202f144`

  test('a setting that the kernel has otherwise', () => {
    expect(off(file('/etc/sysctl.d/90-net.conf', setting('max', 1_000_000)))).toEqual([
      says('/etc/sysctl.d/90-net.conf', '1\u202f000\u202f000'),
    ])
    expect(off(file('/etc/sysctl.d/90-net.conf', setting('max', 262_144)))).toEqual([])
  })

  test('of several files the last by name counts, whatever its directory', () => {
    const late = file('/usr/lib/sysctl.d/95-b.conf', setting('max', 262_144))
    const early = file('/etc/sysctl.d/10-a.conf', setting('max', 5))
    expect(off(late, early)).toEqual([])
    expect(off(early, file('/usr/lib/sysctl.d/95-b.conf', setting('max', 7)))).toEqual([
      says('/usr/lib/sysctl.d/95-b.conf', '7'),
    ])
  })

  test.each([
    'net.nf_conntrack_max=9',
    '-net.netfilter.nf_conntrack_max = 9',
    'net/netfilter/nf_conntrack_max=9',
    'net.ipv4.ip_conntrack_max = 9',
  ])('every spelling is the same setting: %s', (line) => {
    expect(off(file('/etc/sysctl.d/90-net.conf', line))).toHaveLength(1)
  })

  test('a comment and another setting are none', () => {
    expect(off(file('/etc/sysctl.d/90-net.conf', '# net.nf_conntrack_max=9', 'net.nf_conntrack_maximum=9'))).toEqual([])
  })

  test('buckets are as written where the kernel only rounded them up', () => {
    const hash = (buckets: number) =>
      titles(
        'not-in-force',
        host(262_144, [file('/etc/modprobe.d/c.conf', `options nf_conntrack hashsize=${buckets}`), EARLY]),
      )
    expect(hash(65_536)).toEqual([])
    expect(hash(65_100)).toEqual([])
    expect(hash(32_768)).toEqual(['1 setting in files is not in force: buckets'])
  })

  test('of several files of modprobe.d the last by name counts, whatever its directory', () => {
    const hashsize = (path: string, buckets: number) => file(path, `options nf_conntrack hashsize=${buckets}`)
    const files = [hashsize('/etc/modprobe.d/50-b.conf', 65_536), hashsize('/usr/lib/modprobe.d/10-a.conf', 32_768)]
    expect(off(...files)).toEqual([])
    expect(off(...files.toReversed())).toEqual([])
    expect(
      off(hashsize('/usr/local/lib/modprobe.d/90-c.conf', 16_384), hashsize('/etc/modprobe.d/50-b.conf', 8192)),
    ).toEqual([expect.stringMatching(/^\/usr\/local\/lib\/modprobe.d\/90-c.conf sets buckets/)])
  })

  test('ufw has the last word where it is there, and none where it is not', () => {
    const files = [file('/etc/ufw/sysctl.conf', 'net/netfilter/nf_conntrack_max=9'), EARLY]
    expect(titles('not-in-force', host(262_144, files))).toEqual([])
    const ufw: More = { managers: { present: known([{ name: 'ufw', sign: 'ENABLED=yes' }]) } }
    expect(titles('not-in-force', host(262_144, files, ufw))).toEqual(['1 setting in files is not in force: max'])
  })

  test('a hostile file name stays one word of the command', () => {
    const path = "/etc/sysctl.d/$(reboot)'\n.conf"
    const [finding] = foundBy('not-in-force', host(262_144, [file(path, setting('max', 9)), EARLY]))
    expect(finding?.remedy).toContain("sysctl -p '/etc/sysctl.d/$(reboot)'\\''\n.conf'")
  })
})

describe('a max above memory', () => {
  const small = { memory: { total: known(2 ** 30), available: known(2 ** 28) } }

  test('is told with what memory can spare, which is what to set', () => {
    const [finding] = foundBy('max-above-memory', host(10_000_000, [], small))
    expect(finding?.title).toMatch(/^max is 10\s000\s000 entries, and memory can spare \d{3}\s\d{3}$/)
    expect(finding?.remedy).toMatch(/^as root: sysctl -w net\.netfilter\.nf_conntrack_max=\d{6};/)
  })

  test('is none where the table fits, nor where it is the node’s', () => {
    expect(titles('max-above-memory', host(262_144, [], small))).toEqual([])
    expect(
      titles('max-above-memory', host(10_000_000, [], { ...small, conntrack: { maxWritable: known(false) } })),
    ).toEqual([])
  })

  test('cannot be told where memory is not known', () => {
    const blind = { memory: { total: known(2 ** 30), available: unknown('no MemAvailable') } }
    expect(foundBy('cannot-tell', host(262_144, [], blind)).map(({ title }) => title)).toEqual([
      'cannot tell whether memory holds a full table',
    ])
  })
})

test('a long timeout is for information, and a warning once the table is nearly full', () => {
  expect(foundBy('long-timeouts', HEALTHY)).toMatchObject([
    { severity: 'info', title: 'tcp_timeout_established is 5 d', threshold: 'more than 1 d' },
  ])
  const full = factsWith({ conntrack: { count: known(250_000), usage: known(0.95) } })
  expect(foundBy('long-timeouts', full)).toMatchObject([{ severity: 'warning' }])
})

test("a container, whose max is its node's, is not sent to tune, which fits nothing there", () => {
  const inside = factsWith({ conntrack: { maxWritable: known(false) } })
  const [long] = foundBy('long-timeouts', inside)
  expect(long?.remedy).toMatch(/^its max belongs to the node .*: ask its owner; .* ctfleet explain --limit /)
  expect(foundBy('long-timeouts', HEALTHY)[0]?.remedy).toContain('ctfleet plan --strategy tune --limit ')
})

test('where nothing is tracked no rule about the table has anything to say', () => {
  const facts = factsWith({
    conntrack: {
      generation: known('none'),
      form: known('absent'),
      max: unknown('tracking is not loaded'),
      timeouts: unknown('tracking is not loaded'),
    },
    persistence: { files: known([file('/etc/sysctl.d/9.conf', setting('max', 9))]) },
  })
  expect(findingsIn(facts)).toEqual([])
})
