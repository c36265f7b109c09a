import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { PAGES, pageText } from './pages.ts'

describe.each(PAGES.filter((page) => oursIn(page).length > 0))('%s', (page) => {
  test('leads where it says', () => {
    const broken = oursIn(page).filter((link) => {
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? page : join(dirname(page), path)
      if (!existsSync(target)) return true
      return anchor !== undefined && !anchorsOf(target).has(anchor)
    })
    expect(broken).toEqual([])
  })
})

test('README leads to every page', () => {
  const named = new Set([...pageText('README.md').matchAll(/\]\((docs\/[\w-]+\.md)/g)].map(([, page]) => page))
  expect(PAGES.filter((page) => page.startsWith('docs/') && !named.has(page))).toEqual([])
})

function oursIn(page: string): readonly string[] {
  const prose = pageText(page).replace(/^```.*?^```$/gms, '')
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
  return [...new Set(links.filter((link) => !/^\w+:/.test(link)))]
}

/** As GitHub makes them of headings. */
function anchorsOf(page: string): ReadonlySet<string> {
  const headings = [
    ...pageText(page)
      .replace(/^```.*?^```$/gms, '')
      .matchAll(/^#+ (.+)$/gm),
  ]
  return new Set(
    headings.map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}
