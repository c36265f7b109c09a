import { expect, test } from 'vitest'
import { modules } from '../../src/facts/modules.ts'
import { answers, corpusFiles, NO_CORPUS } from './answers.ts'

const read = (output: string) => modules.parse(answers({ modules: output }))

test('each generation of /proc/modules', () => {
  const { loaded, loadable, builtin } = read(`modules
nf_conntrack 188416 4 nf_nat,xt_conntrack, Live 0xffffffffc0420000 (OE)
ipv6 454656 22 nf-odd,[permanent], Live 0x00000000
old 5 - - Live 0x0
key 70456 -1 (autoclean) [ipv6]
ip_conntrack 21428 3 [ipt_MASQUERADE iptable_nat ipt_state
ip_conntrack_ftp]
modules end
builtin
/lib/modules/6.1/modules.builtin:kernel/net/netfilter/nf-log-syslog.ko
`)
  expect(loadable).toEqual({ known: true, value: true })
  expect(loaded).toEqual({
    known: true,
    value: [
      { name: 'nf_conntrack', references: 4, holders: ['nf_nat', 'xt_conntrack'] },
      { name: 'ipv6', references: 22, holders: ['nf_odd'] },
      { name: 'old', references: null, holders: [] },
      { name: 'key', references: null, holders: ['ipv6'] },
      {
        name: 'ip_conntrack',
        references: 3,
        holders: ['ipt_MASQUERADE', 'iptable_nat', 'ipt_state', 'ip_conntrack_ftp'],
      },
    ],
  })
  expect(builtin).toEqual({ known: true, value: ['nf_log_syslog'] })
})

test('a kernel without modules, one that closed the door, and a /proc that cannot be read', () => {
  expect(read('no modules\n')).toMatchObject({ loadable: { value: false }, loaded: { value: [] } })
  expect(read('modules\nmodules end\n/proc/sys/kernel/modules_disabled:1\n').loadable).toMatchObject({ value: false })
  expect(read('')).toMatchObject({ loadable: { known: false }, loaded: { known: false }, builtin: { known: false } })
  expect(read('modules\na 1 0 - Live 0x0\n').loaded).toEqual({ known: false, why: '/proc/modules could not be read' })
})

test('public lists of modules read with their holders', (ctx) => {
  const files = corpusFiles('04-kernel/lsmod')
  if (files === undefined) return ctx.skip(NO_CORPUS)
  for (const [path, text] of files) {
    if (!text.includes('conntrack')) continue
    const { loaded } = read(`modules\n${text}\nmodules end\n`)
    if (!loaded.known) throw new Error(`${path}: ${loaded.why}`)
    const tracking = loaded.value.find(({ name }) => name === 'nf_conntrack' || name === 'ip_conntrack')
    if (tracking !== undefined && (tracking.references ?? 0) > 0)
      expect(tracking.holders.length, path).toBeGreaterThan(0)
  }
})
