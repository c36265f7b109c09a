import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { resultsJson } from '../../src/report/json/plan.ts'
import { ENDED_FLEET } from '../report/fleet.ts'
import { pageText } from './pages.ts'

/** What docs/json.md says. */
const page = pageText('docs/json.md')

test('every schema is named, and no other', () => {
  const named = [...page.matchAll(/\]\(\.\.\/schemas\/([\w.]+)\)/g)].map(([, name]) => name)
  expect(new Set(named)).toEqual(new Set(readdirSync('schemas')))
})

test('every member of a host in a report is named, and no other', () => {
  const [, table = ''] = /## The report\n(.*?)```/s.exec(page) ?? []
  const rows = [...table.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].map(([, names = '']) => names)
  const named = new Set(rows.flatMap((names) => names.split(', ').map((name) => name.replaceAll('`', ''))))
  const { hosts } = JSON.parse(JSON.stringify(resultsJson(ENDED_FLEET)))
  expect(named).toEqual(new Set(Object.keys(hosts[0])))
})
