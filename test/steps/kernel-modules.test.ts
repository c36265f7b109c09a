import { expect, test } from 'vitest'
import { kernelModules } from '../../src/steps/kernel-modules.ts'

const SETTINGS = { '/proc/sys/net/ipv4/ip_conntrack_max': '65536' }
const TRACKED = { loaded: ['ipt_state', 'ip_conntrack'], hashSize: 8192, settings: SETTINGS }
const GONE = { loaded: [], hashSize: null, settings: {} }
const WANT = { unload: TRACKED.loaded }

test('ip_conntrack goes with its parameter and its settings, and comes back with them', () => {
  const probe = kernelModules.probe(WANT).text
  expect(probe).toContain('/sys/module/ip_conntrack/parameters/hashsize')
  expect(probe).toContain('/proc/sys/net/ipv4/netfilter/ip_conntrack_* /proc/sys/net/ipv4/ip_conntrack_max')
  expect(probe).not.toContain('nf_conntrack_max')
  const probed =
    'module ipt_state\nmodule ip_conntrack\nhashsize 8192\n/proc/sys/net/ipv4/ip_conntrack_max:65536\nend\n'
  expect(kernelModules.read(probed, WANT)).toEqual({ known: true, value: TRACKED })
  const back = kernelModules.transition(GONE, TRACKED, WANT)
  const text = 'text' in back ? back.text : ''
  const order = [
    'modprobe ip_conntrack hashsize=8192 ',
    'modprobe ipt_state ',
    'back /sys/module/ip_conntrack/parameters/hashsize 8192 ',
    'back /proc/sys/net/ipv4/ip_conntrack_max 65536 ',
  ].map((each) => text.indexOf(each))
  expect(order).not.toContain(-1)
  expect(order).toEqual(order.toSorted((one, other) => one - other))
})

test('a person hears that the table is forgotten, where it is', () => {
  const note = 'Every tracked entry is forgotten with the modules; sessions go on untracked'
  expect(kernelModules.notes?.(TRACKED, GONE, WANT)).toEqual([note])
  expect(kernelModules.notes?.({ ...GONE, loaded: ['ipt_state'] }, GONE, { unload: ['ipt_state'] })).toEqual([])
})
