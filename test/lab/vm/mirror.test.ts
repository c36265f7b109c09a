import { expect, test } from 'vitest'
import { parseDeb822, parseOneLine } from './mirror.ts'

test('stanzas of apt: every suite is a source, a comment is nothing, a disabled or source-only stanza is none', () => {
  const text = `Types: deb
# a remark in between
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb-src
URIs: http://mirror.example/debian
Suites: bookworm
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
`
  expect(parseDeb822(text)).toEqual([
    { uri: 'http://mirror.example/debian', suite: 'bookworm', components: ['main'] },
    { uri: 'http://mirror.example/debian', suite: 'bookworm-updates', components: ['main'] },
  ])
})

test('lines of apt, with options and several components', () => {
  const text =
    '# deb http://off.example/ x main\ndeb [arch=amd64 signed-by=/k] http://mirror.example/debian bookworm main contrib\n'
  expect(parseOneLine(text)).toEqual([
    { uri: 'http://mirror.example/debian', suite: 'bookworm', components: ['main', 'contrib'] },
  ])
})
