import { describe, expect, test } from 'vitest'
import type { RuleFile, RuleLoader, RuleLoaderName } from '../../src/model/facts.ts'
import { known, unknown } from '../../src/model/reading.ts'
import { analyse } from '../../src/strategies/analysis.ts'
import { rulesOwner } from '../../src/strategies/rules-owner.ts'
import { factsWith } from '../diagnosis/sample-facts.ts'

/** Whose the rules are at boot. Never two. */

const FILE: RuleFile = { path: '/etc/iptables/rules.v4', holds: 'ip', text: known('*filter\nCOMMIT\n') }

function loader(name: RuleLoaderName, files: readonly RuleFile[] = [FILE], sign = `/etc/rc2.d/S01${name}`): RuleLoader {
  return { name, sign, files }
}

function withLoaders(...loaders: readonly RuleLoader[]) {
  return factsWith({ persistence: { loaders: known(loaders) } })
}

describe('the owner', () => {
  test('nobody, one with files, firewalld and ufw', () => {
    expect(rulesOwner(withLoaders())).toEqual({ is: 'nobody' })
    expect(rulesOwner(withLoaders(loader('netfilter-persistent')))).toMatchObject({ is: 'files', files: [FILE] })
    expect(rulesOwner(withLoaders(loader('firewalld', [])))).toEqual({ is: 'firewalld' })
    expect(rulesOwner(withLoaders(loader('ufw')))).toEqual({ is: 'ufw', files: [FILE] })
  })

  test("the two services of RHEL are one, with each family's file", () => {
    const ip6: RuleFile = { ...FILE, path: '/etc/sysconfig/ip6tables', holds: 'ip6' }
    expect(rulesOwner(withLoaders(loader('iptables'), loader('ip6tables', [ip6])))).toMatchObject({
      is: 'files',
      files: [FILE, ip6],
    })
  })

  const NAMES: readonly RuleLoaderName[] = [
    'netfilter-persistent',
    'iptables',
    'nftables',
    'ufw',
    'firewalld',
    'script',
  ]
  const pairs = NAMES.flatMap((one, at) => NAMES.slice(at + 1).map((other) => [one, other] as const))
  test.each(pairs)('%s and %s together: neither, and both are named', (one, other) => {
    const owner = rulesOwner(withLoaders(loader(one), loader(other)))
    if (owner.is !== 'left-alone') throw new Error(`${owner.is} owns them`)
    const sign = (name: string) => (name === 'script' ? '/etc/rc2.d/S01script' : name)
    expect(owner.why).toContain(`${sign(one)} and ${sign(other)} would both load rules at boot`)
  })

  test.each<[string, Parameters<typeof factsWith>[0], string]>([
    ['unknown', { persistence: { loaders: unknown('no grep') } }, 'is not known: no grep'],
    [
      'a file that cannot be read',
      { persistence: { loaders: known([loader('nftables', [{ ...FILE, text: unknown('it is not readable') }])]) } },
      '/etc/iptables/rules.v4, from which nftables loads them: it is not readable',
    ],
    [
      'ufw with commands beside it',
      { persistence: { loaders: known([loader('ufw', [])]) } },
      'ufw loads them together with commands in /etc/ufw/before.init or after.init',
    ],
    [
      'a firewall with a language of its own, by its name alone',
      {
        persistence: {
          loaders: known([loader('another', [], '/etc/systemd/system/multi-user.target.wants/ferm.service')]),
        },
      },
      'ferm loads them, and in what language or from where is not known',
    ],
  ])('left alone: %s', (_name, facts, why) => {
    expect(rulesOwner(factsWith(facts))).toMatchObject({ is: 'left-alone', why: expect.stringContaining(why) })
  })
})

test('a service that writes the running rules when it stops is named with what to set', () => {
  const saving = (lines: readonly string[]) =>
    analyse(factsWith({ persistence: { savesOnStop: known(lines) } }), null).persist.savesOnStop
  expect(saving(['IPTABLES_SAVE_ON_STOP="yes"'])).toMatch(/unconfirmed ones too.*set IPTABLES_SAVE_ON_STOP="no" first$/)
  expect(saving([])).toBe('')
})
