import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { terminalSvg } from '../demo/svg.ts'
import { pageText } from './pages.ts'

test('README shows the picture, and says in words what is on it', () => {
  const [, words = '', file = ''] = /^!\[([^\]]+)\]\((\S+\.svg)\)$/m.exec(pageText('README.md')) ?? []
  expect(words.length).toBeGreaterThan(50)
  expect(readFileSync(file, 'utf8')).toContain('$ ctfleet plan')
})

test('colours become classes, and end where they ended', () => {
  const picture = terminalSvg('x', '\x1b[1mweb-1\x1b[22m: \x1b[31mlost\x1b[39m, \x1b[2m3\x1b[0m hosts', 40)
  const row =
    '<tspan class="bold">web-1</tspan>: <tspan class="red">lost</tspan>, <tspan class="dim">3</tspan> hosts</text>'
  expect(picture).toContain(row)
})

test('what a terminal showed cannot become a part of the picture', () => {
  const hostile = '</text><script>alert(1)</script>&amp; "\x1b]0;title\x07\x00\x1b[5A'
  const picture = terminalSvg(hostile.slice(0, 20), hostile, 40)
  expect(picture).not.toMatch(/<script|<\/text><script|&amp;/)
  expect(picture.replaceAll('\n', '')).toMatch(/^[\x20-\x7e]+$/)
})
