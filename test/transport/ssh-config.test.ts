import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { corpus, filesBelow, NO_CORPUS } from '../firewall/corpus.ts'
import { isSshThere, meaningToSsh, meaningToUs, NO_SSH } from './ssh-g.ts'

const directory = mkdtempSync(join(tmpdir(), 'ctfleet-ssh-config-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const RUNS = 100
const AT_ONCE = 8

const HOSTS = ['web-1', 'web-2.example.com', 'db', 'Mixed.Example.ORG', '10.0.0.1', 'fe80::1', 'x']

const spaced = fc.constantFrom(' ', '  ', '\t', '=', ' = ', ' =', '= ')
const name = fc.constantFrom(
  'web-1',
  'web-?',
  'web-*',
  '*.example.com',
  'db',
  '*',
  '!web-2*',
  '!db',
  '10.0.0.*',
  'fe80::1',
  'WEB-1',
)
const list = (separator: string) => fc.array(name, { minLength: 1, maxLength: 3 }).map((all) => all.join(separator))
const flag = fc.constantFrom('yes', 'no', 'true', 'FALSE', 'Yes')
const file = fc.constantFrom(
  '~/.ssh/a',
  '"/tmp/a b"',
  '/tmp/%h-%r',
  "'/tmp/q'",
  '/tmp/%n%%x',
  '/tmp/a\\ b',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: ssh's own
  '${HOME}/k',
  'none',
  '/tmp/%d',
  '/tmp/%L.%l.%i.%u',
  '/tmp/%k',
)
const jump = fc.constantFrom(
  'none',
  'b',
  'u@b:2222',
  '[fe80::9]:22',
  'ssh://u@b:22',
  'u@b,c:2200',
  'x@y@b',
  'NONE',
  'a # b',
)
const tail = fc.constantFrom('', '', '', ' ', ' # why', '\r')

const setting = fc
  .oneof(
    fc.tuple(
      fc.constantFrom('HostName', 'hostname'),
      fc.constantFrom('10.9.9.9', '%h.example.com', 'Other', '%%h', 'fe80::2'),
    ),
    fc.tuple(fc.constantFrom('User', 'USER'), fc.constantFrom('root', '"a b"', 'ops', 'o\\\\p')),
    fc.tuple(fc.constant('Port'), fc.constantFrom('22', '2222', '"2200"')),
    fc.tuple(fc.constantFrom('IdentityFile', 'CertificateFile', 'UserKnownHostsFile', 'IdentityAgent'), file),
    fc.tuple(
      fc.constant('UserKnownHostsFile'),
      fc
        .tuple(file, file)
        .map((both) => both.join(' '))
        .filter((text) => !text.includes('none')),
    ),
    fc.tuple(fc.constant('GlobalKnownHostsFile'), fc.constantFrom('/etc/a /etc/b', '"/etc/a b"', 'none', '/dev/null')),
    fc.tuple(
      fc.constantFrom(
        'IdentitiesOnly',
        'HashKnownHosts',
        'PasswordAuthentication',
        'KbdInteractiveAuthentication',
        'PubkeyAuthentication',
        'ForwardAgent',
        'ChallengeResponseAuthentication',
      ),
      flag,
    ),
    fc.tuple(
      fc.constant('StrictHostKeyChecking'),
      fc.constantFrom('yes', 'no', 'off', 'ask', 'accept-new', 'Accept-New'),
    ),
    fc.tuple(fc.constant('HostKeyAlias'), fc.constantFrom('alias', 'ALIAS', '"a b"')),
    fc.tuple(fc.constant('ProxyJump'), jump),
    fc.tuple(fc.constant('ProxyCommand'), fc.constantFrom('none', 'ssh -W %h:%p b', '= nc %h %p', 'sh -c "x y"')),
    fc.tuple(fc.constant('PreferredAuthentications'), fc.constantFrom('publickey', 'password,publickey')),
    fc.tuple(fc.constant('AddressFamily'), fc.constantFrom('any', 'inet', 'INET6')),
    fc.tuple(fc.constant('BindAddress'), fc.constantFrom('10.0.0.9')),
    fc
      .tuple(
        fc.constantFrom('Compression', 'ServerAliveInterval', 'SendEnv', 'ConnectTimeout'),
        fc.constantFrom('no', '15', 'LANG'),
      )
      .filter(
        ([keyword, value]) =>
          keyword === 'SendEnv' || ((keyword === 'Compression') === (value === 'no') && value !== 'LANG'),
      ),
  )
  .chain(([keyword, value]) => fc.tuple(spaced, tail).map(([between, end]) => `${keyword}${between}${value}${end}`))

const condition = fc.oneof(
  list(' ').map((names) => `Host ${names}`),
  fc.constant('Match all'),
  fc.constant('Match final'),
  fc.constant('Match canonical'),
  list(',').map((names) => `Match host ${names}`),
  list(',').map((names) => `Match originalhost "${names}"`),
  fc.constantFrom(
    'Match user root',
    'Match !user ops',
    'Match localuser *',
    'Match !localuser root host *',
    'Match final host 10.*',
    'match host db # x',
  ),
)
/** Some that ssh refuses, and some that it passes over. */
const odd = fc.constantFrom(
  'Prot 22',
  'Port ssh-x',
  'Port',
  'Port 0',
  'User a b',
  'Match',
  'Match nothing db',
  'Match host',
  'Match all host db',
  'Host ""',
  'StrictHostKeyChecking perhaps',
  'IdentityFile "open',
  'ProxyJump a:b:c',
  'IgnoreUnknown Prot',
  '# Port 1',
  '   ',
  'AddressFamily inet4',
)

const lines = fc.array(fc.oneof({ weight: 8, arbitrary: setting }, { weight: 4, arbitrary: condition }), {
  minLength: 1,
  maxLength: 12,
})

test.skipIf(!isSshThere)(
  `what ssh_config comes to for a host is what ssh makes of it: ${RUNS} times (skipped where ${NO_SSH})`,
  async () => {
    const cases = fc.sample(
      fc.record({
        lines,
        included: lines,
        odd: fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: odd }),
        at: fc.nat(12),
        host: fc.constantFrom(...HOSTS),
      }),
      { numRuns: RUNS },
    )
    let refused = 0
    await inTurns(cases, async ({ lines: all, included, odd: one, at, host }, index) => {
      const inner = join(directory, `${index}.inner`)
      const outer = join(directory, `${index}.outer`)
      const texts = [...all]
      if (one !== null) texts.splice(at % (texts.length + 1), 0, one)
      if (index % 3 === 0) texts.splice(at % (texts.length + 1), 0, `Include ${inner.replace('inner', 'inn*')}`)
      writeFileSync(inner, `${included.join('\n')}\n`, { mode: 0o600 })
      writeFileSync(outer, texts.join('\n'), { mode: 0o600 })
      const theirs = await meaningToSsh(outer, host)
      if (theirs === 'refused') refused++
      expect({ texts, included, host, meaning: meaningToUs(outer, host) }).toEqual({
        texts,
        included,
        host,
        meaning: theirs,
      })
    })
    expect(refused).toBeGreaterThan(RUNS / 50)
    expect(refused).toBeLessThan(RUNS / 2)
  },
  60_000,
)

const vectors = corpus === null ? [] : filesBelow(corpus, '02-vectors/ssh_config-go')

test.skipIf(!isSshThere || vectors.length === 0)(
  `configurations that others test with mean what they mean to ssh (${NO_CORPUS})`,
  async () => {
    const hosts = [
      'wap',
      'wap2',
      'wopr',
      'localhost',
      'dhcp-01',
      'test.test',
      'special',
      'x.example.com',
      'x.test.example.com',
      'hasidentity',
      'protocol1',
      'nothing',
    ]
    const cases = vectors.flatMap((vector) => hosts.map((host) => ({ vector, host })))
    // What others can write to ssh does not read.
    for (const vector of vectors)
      writeFileSync(copyOf(vector), readFileSync(join(corpus ?? '', vector)), { mode: 0o600 })
    const told = new Map<string, string>()
    await inTurns(cases, async ({ vector, host }) => {
      const copy = copyOf(vector)
      const theirs = await meaningToSsh(copy, host)
      const ours = meaningToUs(copy, host)
      // What this ssh was built without, or is too old for, is said of the file as a whole.
      if (theirs === 'refused' && ours !== 'refused') told.set(vector, 'refused by this ssh alone')
      else expect({ vector, host, meaning: ours }).toEqual({ vector, host, meaning: theirs })
    })
    expect([...told.keys()].filter((vector) => !/config1$|config2$|eqsign$/.test(vector))).toEqual([])
  },
  60_000,
)

function copyOf(vector: string): string {
  return join(directory, vector.replaceAll('/', '-'))
}

async function inTurns<T>(all: readonly T[], each: (one: T, index: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let index = next++; index < all.length; index = next++) await each(all[index] as T, index)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}
