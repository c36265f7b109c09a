import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import axe from 'axe-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AUDIT_REPORTS, REPORTS } from '../../src/report/catalog.ts'
import { whyWithout } from '../lab/packages.ts'
import { anAudit, evilAudit, largeAudit } from '../report/an-audit.ts'
import { ENDLESS, HOSTILE } from '../report/hostile.ts'
import { evilRun, INCIDENT } from '../report/incident.ts'
import { largeRun } from '../report/large-run.ts'
import { CHROMIUM_PACKAGE, openBrowser, watch } from '../support/browser.ts'
import { BREACH, CUT_OFF, FAULTS, FOLDED, GROUND, READ_THROUGH, WORDS } from '../support/in-page.ts'

/** What a person sees who opens a report: the page in a real browser, whatever hosts have sent. */

const why = await whyWithout(...CHROMIUM_PACKAGE)

const ALL = [...HOSTILE, ENDLESS]
const run = (of: typeof INCIDENT) => REPORTS.html.write({ run: of, later: [] })

const PAGES = {
  incident: () => run(INCIDENT),
  'a run of 200 hosts': () => run(largeRun(200)),
  'a hostile run': () =>
    run({ ...evilRun(ALL.join(' ').slice(0, 3000)), results: ALL.flatMap((evil) => evilRun(evil).results) }),
  audit: () => AUDIT_REPORTS.html.write(anAudit()),
  'an audit of 200 hosts': () => AUDIT_REPORTS.html.write(largeAudit(200)),
  'a hostile audit': () => {
    const all = ALL.map((evil) => evilAudit(evil).report)
    const { rules = [] } = all[0] ?? {}
    return AUDIT_REPORTS.html.write(
      anAudit({ results: all.flatMap(({ results }) => results), policy: all.flatMap(({ policy }) => policy), rules }),
    )
  },
} as const
type Name = keyof typeof PAGES
const NAMES = Object.keys(PAGES) as readonly Name[]
const HOSTILE_NAMES = ['a hostile run', 'a hostile audit'] as const satisfies readonly Name[]

let dir: string
let browser: Browser
const urls = new Map<string, string>()

beforeAll(async () => {
  if (why !== null) return
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-browser-'))
  for (const name of NAMES) {
    const file = join(dir, `${name.replaceAll(' ', '-')}.html`)
    await writeFile(file, PAGES[name]())
    urls.set(name, pathToFileURL(file).href)
  }
  browser = await openBrowser()
})
afterAll(async () => {
  if (why !== null) return
  await browser.close()
  await rm(dir, { recursive: true, force: true })
})

async function opened<T>(
  name: string,
  options: BrowserContextOptions,
  story: (page: Page, doings: ReturnType<typeof watch>) => Promise<T>,
): Promise<T> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  try {
    const page = await context.newPage()
    const doings = watch(page)
    await page.goto(urls.get(name) ?? name, { waitUntil: 'load' })
    return await story(page, doings)
  } finally {
    await context.close()
  }
}

/** As somebody who reads all of it: every part unfolded, every link focused, the mouse over every kind of element. */
async function readThrough(page: Page): Promise<void> {
  await page.evaluate(READ_THROUGH)
  for (const kind of ['h1', 'h3', 'code', 'pre', 'td', 'svg'])
    await page
      .locator(kind)
      .first()
      .hover({ timeout: 2000, force: true })
      .catch(() => undefined)
  await page.waitForTimeout(200)
}

describe.skipIf(why !== null)(`in a browser${why === null ? '' : ` (skipped: ${why})`}`, () => {
  test('the tripwire is one: unescaped and without its policy, the corpus runs', async () => {
    const file = join(dir, 'control.html')
    await writeFile(file, `<!doctype html>${HOSTILE.join('')}`)
    await opened(pathToFileURL(file).href, {}, async (page, doings) => {
      await page.waitForTimeout(200)
      expect(await page.evaluate(BREACH)).toBe(1)
      expect(doings.requests.length).toBeGreaterThan(1)
    })
  })

  describe.each(NAMES)('%s', (name) => {
    // Without the policy too: what is escaped needs none.
    test.each([false, true])(
      'runs nothing, asks for nothing and complains of nothing (policy off: %s)',
      async (bypassCSP) => {
        await opened(name, { bypassCSP }, async (page, doings) => {
          await readThrough(page)
          expect(await page.evaluate(BREACH)).toBeNull()
          expect(doings).toEqual({ requests: [urls.get(name)], dialogs: [], said: [] })
          expect(page.url()).toBe(urls.get(name))
        })
      },
    )

    test.each([400, 1280])('fits a window of %i', async (width) => {
      await opened(name, { viewport: { width, height: 900 } }, async (page) => {
        await readThrough(page)
        expect(await page.evaluate(CUT_OFF)).toEqual([])
      })
    })

    test('prints all that is folded, and nothing of it is cut off', async () => {
      await opened(name, { viewport: { width: 690, height: 900 }, colorScheme: 'dark' }, async (page) => {
        await page.emulateMedia({ media: 'print' })
        expect(await page.evaluate(FOLDED)).toEqual([])
        expect(await page.evaluate(CUT_OFF)).toEqual([])
        expect(await page.evaluate(GROUND)).toBe('rgb(255, 255, 255)')
        expect((await page.pdf({ format: 'A4' })).subarray(0, 5).toString()).toBe('%PDF-')
      })
    })
  })

  describe.each(['incident', 'a hostile run', 'audit', 'a hostile audit'] as const)(
    'who cannot see %s well',
    (name) => {
      test.each(['light', 'dark'] as const)('axe finds no serious fault in %s', async (colorScheme) => {
        await opened(name, { colorScheme, bypassCSP: true }, async (page) => {
          await page.evaluate(axe.source)
          const found = await page.evaluate<readonly string[]>(FAULTS)
          expect(found.filter((line) => /^(?:serious|critical) /.test(line))).toEqual([])
        })
      })
    },
  )

  test('light and dark follow the reader', async () => {
    const grounds = await Promise.all(
      (['light', 'dark'] as const).map((colorScheme) =>
        opened('incident', { colorScheme }, async (page) => await page.evaluate(GROUND)),
      ),
    )
    expect(grounds).toEqual(['rgb(255, 255, 255)', 'rgb(20, 24, 29)'])
  })

  test.each(HOSTILE_NAMES)('%s shows what was sent as words', async (name) => {
    await opened(name, {}, async (page) => {
      const text = await page.evaluate<string>(WORDS)
      expect(text).toContain('</script><script>window.BREACH=1</script>')
      expect(text).toContain('\\x1b[2J\\x1b[H')
      expect(text).toContain('invoice\\u{202e}gpj.exe')
      expect(text).toContain('(10000000 characters)')
    })
  })

  test('a link of the summary leads to its part, and a host to its change', async () => {
    await opened('incident', {}, async (page) => {
      await page.locator('nav a', { hasText: 'Every host' }).click()
      expect(new URL(page.url()).hash).toBe('#hosts')
      await page.locator('#hosts ~ table a', { hasText: 'web-5' }).click()
      expect(await page.locator(':target').textContent()).toContain('tune on 9 hosts')
    })
  })
})
