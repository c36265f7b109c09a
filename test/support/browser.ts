import { type Browser, chromium, type Page } from 'playwright-core'

const CHROMIUM = '/usr/bin/chromium'

/** Debian's, started by us; root has no sandbox to give it. */
export async function openBrowser(): Promise<Browser> {
  return await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'], timeout: 60_000 })
}

/** The package that brings it, and the file that tells whether it is there. */
export const CHROMIUM_PACKAGE = ['chromium', CHROMIUM] as const

/** All that a page did which a report may not do. */
export type Doings = { readonly requests: string[]; readonly dialogs: string[]; readonly said: string[] }

/** Writes down what a page asks for, shows and complains about, from now on. */
export function watch(page: Page): Doings {
  const doings: Doings = { requests: [], dialogs: [], said: [] }
  page.on('request', (request) => doings.requests.push(request.url()))
  page.on('dialog', (dialog) => {
    doings.dialogs.push(dialog.message())
    void dialog.dismiss()
  })
  page.on('console', (message) => doings.said.push(message.text()))
  page.on('pageerror', (error) => doings.said.push(String(error)))
  page.on('popup', (popup) => doings.said.push(`a new window: ${popup.url()}`))
  return doings
}
