import { test as lawTest } from '@fast-check/vitest'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { visible } from '../../../src/report/format.ts'
import { html, htmlText } from '../../../src/report/html/html.ts'
import { HOSTILE } from '../hostile.ts'

lawTest.prop([fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...HOSTILE))])(
  'a text in a hole ends no element and no attribute, and reads as what is visible of it',
  (text) => {
    const made = htmlText(html`<a title="${text}">${text}</a>`)
    const [, inside = '', between = ''] = /^<a title="([^"<>]*)">([^<>"']*)<\/a>$/.exec(made) ?? []
    expect(decoded(inside)).toBe(visible(text))
    expect(decoded(between)).toBe(visible(text))
  },
)

test('HTML in a hole stands as it is, a list of it one after the other', () => {
  expect(htmlText(html`<ul>${['a', '<b>'].map((each) => html`<li>${each}</li>`)}</ul>${7}`)).toBe(
    '<ul><li>a</li><li>&lt;b&gt;</li></ul>7',
  )
})

test('what only looks like HTML, as parsed from a record, is no HTML', () => {
  const forged = JSON.parse('{"html":"<b>","text":"<b>","length":0}')
  expect(() => htmlText(html`${forged}`)).toThrow()
})

function decoded(text: string): string {
  const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
  return text.replace(/&([^;]*);/g, (_, name: string) => entities[name] ?? `(${name})`)
}
