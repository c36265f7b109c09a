import { createHmac, timingSafeEqual } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { readApproveFile } from '../../src/cli/approve-file.ts'
import { parsePlaybook } from '../../src/playbook/parse.ts'
import { signed } from '../../src/serve/webhook.ts'
import { STEP_KINDS } from '../../src/steps/catalog.ts'
import { type Block, blocksOf, PAGES } from './pages.ts'
import { AUDIT_SAMPLES } from './samples-of-audits.ts'
import { CHANGE_SAMPLES } from './samples-of-changes.ts'
import { WAY_SAMPLES } from './samples-of-ways.ts'

/** Every block of output on every page is what ctfleet prints: here from fixtures, elsewhere where only a host can give it. */

const SAMPLES = PAGES.flatMap(blocksOf).filter(({ language }) => language === '')
const RENDERED: Readonly<Record<string, () => string | Promise<string>>> = {
  ...AUDIT_SAMPLES,
  ...CHANGE_SAMPLES,
  ...WAY_SAMPLES,
}

/** By page and first line: the test that holds those that are not rendered here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'CONTRIBUTING.md: npm ci': 'test/docs/samples.test.ts',
  'README.md: nf_conntrack: table full, dropping packet': 'test/docs/samples.test.ts',
  'docs/operating.md: # CHG-1234': 'test/docs/samples.test.ts',
  'docs/inventory.md: ctfleet plan hosts': 'test/docs/command-lines.test.ts',
  'docs/plans.md: 1 host: 1 planned': 'test/journeys/docs.test.ts',
  'docs/plans.md: web-1: notrack would be chosen': 'test/journeys/docs.test.ts',
  'docs/playbooks.md: mine.yaml:4:27 requires[0].when: there is no cuont': 'test/docs/playbooks.test.ts',
}

function nameOf({ page, line, text }: Block): string {
  const name = (each: string) =>
    `${page}: ${each
      .trim()
      .split(/\n| {2}/)[0]
      ?.slice(0, 50)
      .trim()}`
  const alike = SAMPLES.filter((other) => other.page === page && other.line < line && name(other.text) === name(text))
  return `${name(text)}${alike.length === 0 ? '' : ` (${alike.length + 1})`}`
}

test('every sample is held by a test', () => {
  const names = SAMPLES.map(nameOf)
  expect(names.filter((name) => !(name in RENDERED) && !(name in ELSEWHERE))).toEqual([])
  expect([...Object.keys(RENDERED), ...Object.keys(ELSEWHERE)].filter((name) => !names.includes(name))).toEqual([])
  const rendered = names.filter((name) => name in RENDERED).length
  console.log(
    `docs: ${names.length} samples of output: ${rendered} are rendered here, ${names.length - rendered} held elsewhere`,
  )
  for (const name of Object.keys(ELSEWHERE)) {
    const [page = ''] = name.split(': ')
    expect(readFileSync(ELSEWHERE[name] ?? '', 'utf8')).toMatch(new RegExp(`PAGES|${page}`))
  }
})

test.each(SAMPLES.filter((sample) => nameOf(sample) in RENDERED).map((sample) => [nameOf(sample), sample] as const))(
  '%s',
  async (name, { text }) => {
    const printed = plain((await RENDERED[name]?.()) ?? '')
    if (!text.includes('[…]')) {
      expect(text).toBe(printed)
      return
    }
    expect(printed).toMatch(asPattern(text))
  },
)

test('the line on README is one that facts look for in a log', () => {
  const [line] = blocksOf('README.md')
  const [, looked = ''] = /sed -n '\/(conntrack[^/]+)\/p'/.exec(readFileSync('src/facts/kernel-log.ts', 'utf8')) ?? []
  expect(looked).not.toBe('')
  expect(line?.text).toContain(looked)
})

test('the file of docs/operating.md is read as two that have a yes', () => {
  const sample = SAMPLES.find((each) => nameOf(each) === 'docs/operating.md: # CHG-1234')
  const path = join(mkdtempSync(join(tmpdir(), 'ctfleet-docs-')), 'approved.txt')
  writeFileSync(path, sample?.text ?? '')
  expect(readApproveFile(path).entries).toEqual([
    { id: '3f2a9c51d0e8', line: 2, comment: 'bob, 2026-11-26' },
    { id: '8812aa01c97f', line: 3, comment: 'web-2' },
  ])
  rmSync(dirname(path), { recursive: true })
})

test('the checks that docs/strategies.md has a playbook ask for are such', () => {
  const [block] = blocksOf('docs/strategies.md').filter(({ language }) => language === 'yaml')
  const steps = 'steps:\n  - sysctl: { key: net.core.somaxconn, value: 4096 }\n'
  const { verify } = parsePlaybook(`name: mine\ntitle: mine\n${steps}${block?.text}`, 'mine.yaml', STEP_KINDS)
  expect(verify).toHaveLength([...(block?.text ?? '').matchAll(/^ {2}- /gm)].length)
})

test('what contributors type is there', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
  const [{ text = '' } = {}] = blocksOf('CONTRIBUTING.md')
  const named = [...text.matchAll(/npm run (\w+)/g)].map(([, script]) => script)
  expect(named.filter((script) => script === undefined || !Object.hasOwn(scripts, script))).toEqual([])
})

test('a receiver that does as docs/schedule.md says takes what we sign, and nothing else', () => {
  const [block] = blocksOf('docs/schedule.md').filter(({ language }) => language === 'js')
  const body = '{"type":"audit-changed"}'
  // Of the page, not of anybody else.
  const isOurs = new Function(
    'createHmac',
    'timingSafeEqual',
    'secret',
    'headers',
    'body',
    `${block?.text}\nreturn isOurs`,
  )
  const ask = (secret: string, headers: object, sent: string) =>
    isOurs(createHmac, timingSafeEqual, secret, headers, sent)
  const headers = signed(body, 'a secret', Date.now())
  expect(ask('a secret', headers, body)).toBe(true)
  expect(ask('another', headers, body)).toBe(false)
  expect(ask('a secret', headers, `${body} `)).toBe(false)
  expect(ask('a secret', { ...headers, 'x-ctfleet-timestamp': '1' }, body)).toBe(false)
})

/** `[…]` stands for what was left out: whole lines where it has one to itself, else the rest of one. */
function asPattern(sample: string): RegExp {
  const parts = sample.split(/^ *\[…\]\n/m).map((part) =>
    part
      .split(' […]')
      .map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('[^]*?'),
  )
  return new RegExp(`^${parts.join('(?:.*\\n)*?')}`)
}

function plain(text: string): string {
  return text.replaceAll(/[\u00a0\u202f]/g, ' ')
}
