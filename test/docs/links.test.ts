import { existsSync, readFileSync } from 'node:fs'
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

test('README leads nowhere but into the package, as others will have it, and to how one works on it', () => {
  const { files } = JSON.parse(readFileSync('package.json', 'utf8'))
  // npm packs the licence by itself.
  const packed = [...files, 'LICENSE', 'CONTRIBUTING.md']
  const paths = oursIn('README.md').flatMap((link) => link.split('#')[0] || [])
  expect(paths.filter((path) => !packed.some((file) => path === file || path.startsWith(`${file}/`)))).toEqual([])
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
