import { describe, expect, test } from 'vitest'
import type { RuleFile, RuleLoader, RuleLoaderName } from '../../src/model/facts.ts'
import { known, unknown } from '../../src/model/reading.ts'
import { analyse } from '../../src/strategies/analysis.ts'
import { ownScript } from '../../src/strategies/boot-unit.ts'
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
  test('nobody, one with files, and firewalld', () => {
    expect(rulesOwner(withLoaders())).toEqual({ is: 'nobody' })
    expect(rulesOwner(withLoaders(loader('netfilter-persistent')))).toMatchObject({ is: 'files', files: [FILE] })
    expect(rulesOwner(withLoaders(loader('firewalld', [])))).toEqual({ is: 'firewalld' })
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

describe('a service that writes the running rules when it stops', () => {
  const saving = (name: RuleLoaderName) =>
    analyse(
      factsWith({
        persistence: {
          savesOnStop: known(['IPTABLES_SAVE_ON_STOP="yes"']),
          loaders: known([loader(name)]),
        },
      }),
      null,
    ).persist.savesOnStop

  test('is named with what to set, where it is enabled', () => {
    expect(saving('iptables')).toMatch(/unconfirmed ones too.*set IPTABLES_SAVE_ON_STOP="no" first$/)
  })
  test('does nothing where another one loads the rules', () => {
    expect(saving('netfilter-persistent')).toBe('')
  })
})

test('the script of our own unit puts each family in place by itself, and only where it is not yet', () => {
  const rule = (family: string, key: string) => ({
    backend: 'legacy',
    family,
    table: 'raw',
    chain: 'OUTPUT',
    spec: '-j X',
    key,
  })
  const script = ownScript([rule('ip', 'ctfleet:notrack:0000000001'), rule('ip6', 'ctfleet:notrack:0000000002')])
  expect(script).toContain(
    "grep -q -F -e 'ctfleet:notrack:0000000001' || \"$tool-restore\" --noflush << 'END' || exit\n*raw\n",
  )
  expect(script.match(/^COMMIT$/gm)).toHaveLength(2)
})
