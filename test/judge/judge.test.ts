import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parseRules } from '../../src/firewall/parse.ts'
import { STATEFUL } from '../support/stateful-dump.ts'
import { type Label, NotAFolder, readFolder } from './folder.ts'
import { causeIn, contradiction, expected } from './packets.ts'
import { reportOf } from './report.ts'
import { exitCodeFor, judge, judgeFolder } from './verdicts.ts'

const at = mkdtempSync(join(tmpdir(), 'ctfleet-judge-'))
afterAll(() => rmSync(at, { recursive: true, force: true }))

const OPEN = '*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n'
const TRANSLATED = `*nat\n-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080\nCOMMIT\n${OPEN}`

const LABEL: Label = {
  line: 2,
  file: 'rules',
  family: 'ip',
  port: 22,
  verdict: 'safe',
  loads: true,
  natCovers: null,
  reachable: 'ok',
  notrackBoth: 'ok',
  acceptIn: null,
  acceptBoth: null,
}

describe('what packets showed, against what a patch adds', () => {
  const none = { requests: false, replies: false }
  const requests = { requests: true, replies: false }
  const both = { requests: true, replies: true }
  const inInput = {
    verdict: 'breaks without UNTRACKED accept in INPUT',
    notrackBoth: 'drop',
    acceptIn: 'ok',
    acceptBoth: 'ok',
  }
  const inBoth = {
    verdict: 'breaks without UNTRACKED accept in INPUT and OUTPUT',
    notrackBoth: 'drop',
    acceptIn: 'drop',
    acceptBoth: 'ok',
  }
  const unmeasured = { reachable: null, notrackBoth: null, acceptIn: null, acceptBoth: null }
  const cases: readonly [name: string, label: Partial<Label>, twins: typeof none, contradicts: boolean][] = [
    ['NOTRACK alone works', {}, none, false],
    [
      'it works only both ways, which is what a patch does',
      { verdict: 'safe only with NOTRACK both ways' },
      none,
      false,
    ],
    ['an accept in INPUT mends it: no twin', inInput, none, true],
    ['an accept in INPUT mends it: a twin', inInput, requests, false],
    ['an accept in OUTPUT too mends it: a twin for requests', inBoth, requests, true],
    ['an accept in OUTPUT too mends it: twins for both', inBoth, both, false],
    [
      'nothing mends it',
      { verdict: 'breaks', notrackBoth: 'drop', acceptIn: 'drop', acceptBoth: 'refused' },
      both,
      true,
    ],
    ['NAT covers the port', { natCovers: 'DNAT 80->10.0.0.1' }, none, true],
    ['NAT, by the verdict', { verdict: 'DNAT/REDIRECT covers the port' }, both, true],
    [
      'a closed port stays closed',
      { verdict: 'closed before', reachable: 'drop', notrackBoth: 'drop', acceptIn: 'ok' },
      none,
      false,
    ],
    ['a closed port opens', { verdict: 'closed before', reachable: 'drop', notrackBoth: 'ok' }, none, true],
    ['a closed port opens, by the verdict', { verdict: 'opens', ...unmeasured }, none, true],
    ['not measured, so by the verdict: safe', unmeasured, none, false],
    ['not measured, so by the verdict: INPUT', { ...inInput, ...unmeasured }, none, true],
    ['not measured, so by the verdict: OUTPUT', { ...inBoth, ...unmeasured }, requests, true],
  ]
  test.each(cases)('%s', (_, label, twins, contradicts) => {
    expect(contradiction({ ...LABEL, ...label }, twins) !== null).toBe(contradicts)
  })

  test('only what packets passed can be refused needlessly', () => {
    expect(expected(LABEL).says).toBe('works')
    expect(expected({ ...LABEL, verdict: 'as the moon shines' }).says).toBe('unclear')
    expect(expected({ ...LABEL, port: null, verdict: 'not testable' }).says).toBe('not testable')
  })

  const causes: readonly [rules: string, port: number, kind: string | null][] = [
    ['*nat\n-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 81\nCOMMIT', 80, 'NAT'],
    ['*nat\n-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 81\nCOMMIT', 22, null],
    ['*nat\n-A PREROUTING -d 10.0.0.0/8 -j NETMAP --to 10.1.0.0/16\nCOMMIT', 22, 'NAT'],
    ['*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT', 22, null],
    [
      '*filter\n-A INPUT -p tcp --dport 20:25 -m state --state NEW -m recent --update --name x -j DROP\nCOMMIT',
      22,
      'state',
    ],
    ['*filter\n-A INPUT -p tcp --dport 22 -m state --state NEW -j ACCEPT\nCOMMIT', 22, null],
  ]
  test.each(causes)('%s gives cause to refuse %i: %s', (text, port, kind) => {
    const rules = parseRules(text, 'ip')
    if (!rules.known) throw new Error(rules.why)
    expect(causeIn(rules.value, port)?.kind ?? null).toBe(kind)
  })
})

describe('a row', () => {
  test('where ctfleet is right', () => {
    const label = { ...LABEL, verdict: 'breaks without UNTRACKED accept in INPUT', notrackBoth: 'drop', acceptIn: 'ok' }
    expect(judge(label, STATEFUL)).toMatchObject({ says: 'safe', unsafe: null, needless: false })
  })
  test('where packets contradict it', () => {
    const judged = judge({ ...LABEL, verdict: 'opens', reachable: 'drop' }, OPEN)
    expect(judged).toMatchObject({ says: 'safe', unsafe: 'NOTRACK makes a closed port answer' })
    expect(exitCodeFor([{ ...judged, cpuMs: 0 }])).toBe(1)
  })
  test('where it refuses with cause, and where without', () => {
    expect(judge({ ...LABEL, port: 80 }, TRANSLATED)).toMatchObject({ says: 'refused', needless: false })
    const damaged = judge(LABEL, OPEN.replace('COMMIT', ''))
    expect(damaged).toMatchObject({ says: 'unreadable', needless: true })
    expect(exitCodeFor([{ ...damaged, cpuMs: 0 }])).toBe(1)
    expect(judge({ ...LABEL, loads: false }, OPEN.replace('COMMIT', ''))).toMatchObject({
      says: 'not loadable',
      needless: false,
    })
  })
})

describe('a folder', () => {
  const write = (labels: string) => {
    writeFileSync(join(at, 'a set'), STATEFUL)
    writeFileSync(join(at, 'labels.tsv'), labels)
  }

  test('is read by the names of its columns, in whatever order, beside others, with CRLF', () => {
    write('\uFEFFverdict\tmore\tport\tfile\tfamily\r\nsafe\tx\t22\ta set\tip6\r\n\r\nnot testable\t\t-\ta set\tip4\r\n')
    expect(readFolder(at)).toMatchObject([
      {
        line: 2,
        file: 'a set',
        family: 'ip6',
        port: 22,
        verdict: 'safe',
        loads: null,
        reachable: null,
        natCovers: null,
      },
      { line: 4, family: 'ip', port: null },
    ])
    expect(reportOf(at, judgeFolder(at))).toMatch(/^packets said {2,}safe .*\nnot testable .* 1\n.*UNSAFE: 0 of 2 /s)
  })

  const mistakes: readonly [labels: string, complaint: string][] = [
    ['file\tport\n', '1:1 expected a column "verdict", found "file", "port"'],
    ['', '1:1 expected a column "file", found ""'],
    ['file\tport\tverdict\na set\tssh\tsafe\n', '2:7 port: expected a port from 1 to 65535, found "ssh"'],
    ['file\tport\tverdict\na set\t-\tsafe\n', '2:7 port: expected a port from 1 to 65535, found "-"'],
    [
      'file\tport\tverdict\nnone\t22\tsafe\n',
      '2:1 file: expected a file in this folder, of 64 MiB at most, found "none"',
    ],
    ['file\tport\tverdict\na set\t22\n', '2:10 verdict: expected what packets said, found ""'],
    ['file\tport\tverdict\tfamily\na set\t22\tsafe\tarp\n', '2:15 family: expected ip or ip6, found "arp"'],
  ]
  test.each(mistakes)('%j is no such folder', (labels, complaint) => {
    write(labels)
    expect(() => readFolder(at)).toThrow(new NotAFolder(`${join(at, 'labels.tsv')}:${complaint}`))
  })
})
