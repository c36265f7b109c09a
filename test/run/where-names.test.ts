import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Shape } from '../../src/expression/shape.ts'
import { NAMES } from '../../src/playbook/names.ts'
import { whereFrom } from '../../src/run/where.ts'

const PAGE = readFileSync(new URL('../../docs/choosing-hosts.md', import.meta.url), 'utf8')

test('docs/choosing-hosts.md has every name that --where knows, and no other subject', () => {
  const rows = new Map(
    [...PAGE.slice(PAGE.indexOf('### Names')).matchAll(/^\| `(\w+)` \| (.*) \|$/gm)].map(
      ([, subject = '', names = '']) => [subject, names] as const,
    ),
  )
  expect([...rows.keys()]).toEqual(Object.keys(NAMES.facts))
  for (const [subject, shape] of Object.entries<Shape>(NAMES.facts)) {
    const written = [...(rows.get(subject) ?? '').matchAll(/`([\w.]+)(?:\[[^`]*)?`/g)].map(([, name]) => name)
    expect(written, subject).toEqual(expect.arrayContaining([...leaves(shape)]))
  }
})

test('its examples of --where are conditions over these names', () => {
  const conditions = [...PAGE.matchAll(/--where '([^']+)'/g)].map(([, condition]) => condition ?? '')
  expect(conditions.length).toBeGreaterThan(4)
  for (const condition of conditions) expect(whereFrom(condition), condition).not.toBeNull()
})

function leaves(shape: Shape): readonly string[] {
  return Object.entries(shape).flatMap(([name, inner]) =>
    typeof inner === 'string' ? [name] : leaves(inner).map((below) => `${name}.${below}`),
  )
}
