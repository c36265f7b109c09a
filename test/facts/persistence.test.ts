import { expect, test } from 'vitest'
import { persistence } from '../../src/facts/persistence.ts'
import { answers } from './answers.ts'

test.each([
  ['/etc/sysconfig/iptables-config:IPTABLES_MODULES="ip_conntrack_ftp"', true, false],
  ['/etc/sysconfig/ip6tables-config:IP6TABLES_MODULES="nf_conntrack_ftp"', false, true],
  ['/etc/sysconfig/ip6tables-config:IP6TABLES_MODULES=""', false, false],
  ['/etc/sysconfig/iptables-config:IPTABLES_MODULES_UNLOAD="yes"', false, false],
])('%s', (line, ip, ip6) => {
  expect(persistence.parse(answers({ persistence: `${line}\n` }))).toMatchObject({
    iptablesModules: { known: true, value: ip },
    ip6tablesModules: { known: true, value: ip6 },
  })
})

test('a setting that saves rules counts but where its service is idle', () => {
  const told = ['/etc/conf.d/iptables:SAVE_ON_STOP="yes"', '/etc/conf.d/nftables:SAVE_ON_STOP="YES"'].join('\n')
  const savedBy = (output: string) => persistence.parse(answers({ persistence: output })).savesOnStop
  expect(savedBy(`${told}\n`)).toEqual({ known: true, value: ['SAVE_ON_STOP="yes"', 'SAVE_ON_STOP="YES"'] })
  expect(savedBy(`idle /etc/conf.d/iptables\n${told}\n`)).toEqual({ known: true, value: ['SAVE_ON_STOP="YES"'] })
})
