import { describe, expect, test } from 'vitest'
import type { Traces } from '../../../src/audit/drift/traces.ts'
import { whoActed } from '../../../src/audit/drift/who-acts.ts'
import { whoChanged } from '../../../src/audit/drift/who-rules.ts'
import { whoSet } from '../../../src/audit/drift/who-settings.ts'
import type { ManagerName } from '../../../src/model/facts.ts'
import { known } from '../../../src/model/reading.ts'
import { liveRules } from '../../../src/strategies/live-rules.ts'
import { factsWith, HEALTHY } from '../../diagnosis/sample-facts.ts'
import { rulesOf } from '../auditing.ts'
import { APPLIED, NO_TRACES } from '../drifting.ts'

const withManager = (name: ManagerName, sign = `process of ${name}`) =>
  factsWith({ managers: { present: known([{ name, sign }]) } })
const settingsIn = (files: { readonly [path: string]: readonly string[] }): Traces => ({
  ...NO_TRACES,
  settings: known(new Map(Object.entries(files))),
})
const max = (now: number) => ({ word: 'nf_conntrack_max', now: String(now) })

describe('a setting is what kube-proxy makes', () => {
  const node = withManager('kubernetes')

  test('by its defaults: 32768 a processor, never less than 131072', () => {
    // 16 processors.
    expect(whoSet(max(524_288), node, NO_TRACES)).toMatchObject([
      {
        who: 'kube-proxy',
        certainty: 'likely',
        evidence: [expect.stringContaining('its default of maxPerCore on 16 processors')],
      },
    ])
    const small = { ...node, system: { ...node.system, cpus: known(2) } }
    expect(whoSet(max(131_072), small, NO_TRACES)).toMatchObject([{ who: 'kube-proxy' }])
    expect(whoSet({ word: 'nf_conntrack_buckets', now: '131072' }, node, NO_TRACES)).toMatchObject([
      { who: 'kube-proxy' },
    ])
  })

  test('by its file and its flags, in Go’s words for time', () => {
    const traces = settingsIn({
      'kube-proxy': [
        'config   maxPerCore: 1000',
        'flag --conntrack-min=4000',
        'config   tcpEstablishedTimeout: 2h0m0s',
      ],
    })
    expect(whoSet(max(16_000), node, traces)).toMatchObject([{ who: 'kube-proxy' }])
    expect(whoSet(max(524_288), node, traces)).toEqual([])
    const established = { word: 'nf_conntrack_tcp_timeout_established', now: '7200' }
    expect(whoSet(established, node, traces)).toMatchObject([{ evidence: [expect.stringContaining('2h0m0s')] }])
  })

  test('null in its file, as kubeadm writes it, leaves the default', () => {
    const traces = settingsIn({ 'kube-proxy': ['config   maxPerCore: null', 'config   min: null'] })
    expect(whoSet(max(524_288), node, traces)).toMatchObject([{ who: 'kube-proxy' }])
  })

  test('but on no host without it, whatever the value', () => {
    expect(whoSet(max(524_288), HEALTHY, NO_TRACES)).toEqual([])
  })
})

describe('a setting is what a file makes', () => {
  test('only where it says this value, and is no remark', () => {
    const at = (line: string) => whoSet(max(9), HEALTHY, settingsIn({ '/etc/sysctl.d/9.conf': [line] })).length
    expect(at('net.netfilter.nf_conntrack_max = 9')).toBe(1)
    expect(at('net/netfilter/nf_conntrack_max=9')).toBe(1)
    expect(at('net.netfilter.nf_conntrack_max = 99')).toBe(0)
    expect(at('# net.netfilter.nf_conntrack_max = 9')).toBe(0)
    expect(at('net.netfilter.nf_conntrack_max_x = 9')).toBe(0)
  })

  test('of a profile that tuned has active, or that this one includes, and of no other', () => {
    const profiles = {
      '/usr/lib/tuned/a/tuned.conf': ['include=b'],
      '/usr/lib/tuned/b/tuned.conf': ['include=a', 'net.netfilter.nf_conntrack_max=9'],
    }
    const active = (name: string) =>
      whoSet(max(9), HEALTHY, settingsIn({ ...profiles, '/etc/tuned/active_profile': [name] }))
    expect(active('a')).toMatchObject([{ who: 'tuned', certainty: 'likely' }])
    expect(active('c')).toEqual([])
  })

  test('of Proxmox, or what pve-firewall takes where that names none', () => {
    const node = withManager('proxmox')
    expect(whoSet(max(9), HEALTHY, settingsIn({ '/etc/pve/local/host.fw': ['nf_conntrack_max: 9'] }))).toMatchObject([
      { who: 'proxmox' },
    ])
    expect(whoSet(max(262_144), node, NO_TRACES)).toMatchObject([{ who: 'proxmox' }])
    expect(whoSet(max(262_144), node, settingsIn({ '/etc/pve/local/host.fw': ['nf_conntrack_max: 9'] }))).toEqual([])
  })
})

describe('rules of ours are gone', () => {
  const RAW = { backend: 'nft', family: 'ip', table: 'raw', chain: 'PREROUTING' } as const
  const UFW = { backend: 'nft', family: 'ip', table: 'filter', chain: 'ufw-before-input' } as const
  const ask = (places: Parameters<typeof whoChanged>[0], facts = HEALTHY, traces: Traces = NO_TRACES) =>
    whoChanged(places, facts, { live: liveRules(facts), traces }).map(({ who, certainty }) => `${certainty} ${who}`)

  test('from a chain of ufw’s: most likely by ufw; from another, not by ufw', () => {
    expect(ask([UFW], withManager('ufw'))).toEqual(['likely ufw'])
    expect(ask([RAW], withManager('ufw'))).toEqual([])
  })

  test('who takes nothing of others away is no suspect, started since or not', () => {
    const started = known([{ name: 'dockerd', at: APPLIED + 60 }])
    expect(ask([RAW], withManager('docker'), { ...NO_TRACES, started })).toEqual([])
  })

  test('firewalld takes all: it is possible where it is there, likely where it was started since, or its chains came since', () => {
    expect(ask([RAW], withManager('firewalld'))).toEqual(['possible firewalld'])
    const at = (moment: number) => ({ ...NO_TRACES, started: known([{ name: 'firewalld', at: moment }]) })
    expect(ask([RAW], withManager('firewalld'), at(APPLIED + 60))).toEqual(['likely firewalld'])
    expect(ask([RAW], withManager('firewalld'), at(APPLIED - 60))).toEqual(['possible firewalld'])
    const chains = factsWith({ firewall: rulesOf('*filter\n:INPUT ACCEPT [0:0]\n:INPUT_direct - [0:0]\nCOMMIT\n') })
    const before = known({ iptables: null, nft: new Set(['INPUT']) })
    expect(ask([RAW], chains, { ...NO_TRACES, before })).toEqual(['likely firewalld'])
    const had = known({ iptables: null, nft: new Set(['INPUT', 'INPUT_direct']) })
    expect(ask([RAW], chains, { ...NO_TRACES, before: had })).toEqual(['possible firewalld'])
  })

  test('a unit that flushes all, and was started since', () => {
    const started = known([{ name: 'nftables', at: APPLIED + 1 }])
    expect(ask([RAW], HEALTHY, { ...NO_TRACES, started })).toEqual(['likely nftables.service'])
  })
})

describe('what is on record', () => {
  const asked = {
    words: ['nf_conntrack_max'],
    paths: ['/etc/sysctl.d/60-site.conf'],
    tables: ['raw'],
    modules: ['nf_conntrack'],
  }
  const by = (text: string, more = asked, at: number | null = APPLIED + 5) =>
    whoActed(more, { ...NO_TRACES, acts: known([{ at, by: 'sudo', who: 'alice', text }]) }).map(
      ({ certainty }) => certainty,
    )

  test.each([
    ['/usr/sbin/sysctl -w net.netfilter.nf_conntrack_max=1', 'certain'],
    ['/usr/bin/tee /proc/sys/net/netfilter/nf_conntrack_max', 'certain'],
    ['/usr/bin/vi /etc/sysctl.d/60-site.conf', 'certain'],
    ['/usr/bin/sed -i s/1/2/ /etc/sysctl.d/60-site.conf', 'certain'],
    ['/usr/bin/cat /etc/sysctl.d/60-site.conf', undefined],
    ['/usr/bin/sed -n p /etc/sysctl.d/60-site.conf', undefined],
    ['/usr/bin/puppet apply /etc/sysctl.d/60-site.conf', 'likely'],
    ['/usr/sbin/modprobe nf_conntrack', 'certain'],
    ['/bin/bash', 'possible'],
    ['/usr/bin/su -', 'possible'],
    ['/bin/sh -c true', undefined],
    ['/usr/sbin/sysctl --system', 'likely'],
    ['/usr/sbin/iptables -t raw -F', 'likely'],
    ['/usr/bin/systemctl restart docker', 'likely'],
    ['/usr/sbin/sysctl -w net.ipv4.ip_forward=1', undefined],
    ['/usr/sbin/sysctl net.netfilter.nf_conntrack_max', undefined],
    ['/usr/sbin/iptables -L -n', undefined],
    ['/usr/sbin/nft list ruleset', undefined],
    ['/usr/bin/systemctl restart nginx', undefined],
  ])('%s: %s', (text, certainty) => {
    expect(by(text)).toEqual(certainty === undefined ? [] : [certainty])
  })

  test('before the change, or at a time that is not known, nobody is to blame', () => {
    expect(by('/usr/sbin/sysctl --system', asked, APPLIED - 5)).toEqual([])
    expect(by('/usr/sbin/sysctl --system', asked, null)).toEqual([])
  })

  test('nor for what is not in question', () => {
    expect(by('/usr/sbin/iptables -t raw -F', { ...asked, tables: [], modules: [] })).toEqual([])
    expect(by('/usr/sbin/sysctl --system', { ...asked, words: [] })).toEqual([])
  })
})
