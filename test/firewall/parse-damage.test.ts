import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRules } from '../../src/firewall/parse.ts'
import { printRules } from '../../src/firewall/print.ts'
import { corpus, filesBelow, NO_CORPUS, textOf } from './corpus.ts'

const OURS = `*nat
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
*filter
:INPUT DROP [12:840]
:web - [0:0]
[5:300] -A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m comment --comment "say \\"web\\" -j DROP" -g web
-I INPUT 2 -s 10.0.0.1,10.0.0.2 -j ACCEPT
-A web -p tcp -m multiport --dports 80,443 -m set ! --match-set bad src -j ACCEPT
COMMIT
`

describe('whatever is done to a dump, it is a reading in little time', () => {
  const damage = fc.array(
    fc.record({
      how: fc.constantFrom('cut', 'swap', 'double', 'join', 'insert', 'bytes'),
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      to: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      put: fc.oneof(
        fc.constantFrom('!', '"', '\\', ' -j DROP', '-A INPUT', '--', '-I INPUT 2', '\0', '\r', 'é', ','),
        fc.string(),
      ),
    }),
    { minLength: 1, maxLength: 6 },
  )

  test('a dump of ours', () => holdsFor([OURS], 500))

  test('published rule sets', { timeout: 60_000 }, (context) => {
    if (corpus === null) return context.skip(NO_CORPUS)
    const at = corpus
    holdsFor(
      filesBelow(at, '01-iptables-save').map((path) => textOf(at, path)),
      1500,
    )
  })

  function holdsFor(dumps: readonly string[], numRuns: number): void {
    let known = 0
    fc.assert(
      fc.property(fc.constantFrom(...dumps), damage, (dump, changes) => {
        const rules = parseRules(changes.reduce(damaged, dump), 'ip')
        if (!rules.known) {
          expect(rules.why).toMatch(/^line \d+: .|no COMMIT$/)
          return
        }
        known += 1
        const printed = printRules(rules.value)
        expect(parseRules(printed, 'ip')).toEqual(rules)
        expect(printRules(rules.value)).toBe(printed)
      }),
      { numRuns },
    )
    expect(known).toBeGreaterThan(0)
  }

  function damaged(text: string, { how, at, to, put }: { how: string; at: number; to: number; put: string }): string {
    const lines = text.split('\n')
    const [one, two] = [Math.floor(at * lines.length), Math.floor(to * lines.length)]
    const place = Math.floor(at * text.length)
    switch (how) {
      case 'cut':
        return text.slice(0, place) + text.slice(place + Math.floor(to * 40))
      case 'swap':
        return lines
          .with(one, lines[two] as string)
          .with(two, lines[one] as string)
          .join('\n')
      case 'double':
        return lines.toSpliced(two, 0, lines[one] as string).join('\n')
      case 'join':
        return lines.toSpliced(one, 2, lines.slice(one, one + 2).join(' ')).join('\n')
      case 'insert':
        return text.slice(0, place) + put + text.slice(place)
      default:
        return Buffer.from(Buffer.from(text).map((byte, index) => (index === place ? byte ^ 0xa5 : byte))).toString()
    }
  }

  const rule = '-s 10.0.0.1/32 -p tcp -m tcp --dport 22 -j ACCEPT'
  const large: readonly [name: string, text: string, reads: boolean][] = [
    ['many rules', filter(`-A INPUT ${rule}\n`.repeat(20_000)), true],
    ['many rules at the top', filter(`-I INPUT ${rule}\n`.repeat(20_000)), true],
    ['many chains', filter(Array.from({ length: 20_000 }, (_, index) => `:c${index} - [0:0]`).join('\n')), true],
    ['blanks before a word', filter(`${' '.repeat(1_000_000)}x`), false],
    ['blanks around a rule', filter(`${' '.repeat(1_000_000)}-A INPUT${' '.repeat(1_000_000)}`), true],
    ['a rule of many words', filter(`-A INPUT ${'--x y '.repeat(170_000)}`), false],
    ['as many options as a line holds', filter(`-A INPUT -m x ${'--x y '.repeat(1_700)}\n`.repeat(50)), true],
    ['as many addresses as a rule may have', filter(`-A INPUT -s ${addresses(64)} -j DROP\n`.repeat(500)), true],
    ['more addresses', filter(`-A INPUT -s ${addresses(33)} -d ${addresses(33)}\n`), false],
    ['quotes and backslashes', filter(`-A INPUT -m comment --comment ${'"\\\\'.repeat(3_000)}`), false],
    ['lines without end', '\n'.repeat(500_000), true],
  ]
  test.each(large)('%s', { timeout: 10_000 }, (_, text, reads) => {
    const before = process.cpuUsage()
    expect(parseRules(text, 'ip').known).toBe(reads)
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(3)
  })
})

function filter(lines: string): string {
  return `*filter\n${lines}\nCOMMIT\n`
}

function addresses(count: number): string {
  return Array.from({ length: count }, () => '10.0.0.1').join()
}
