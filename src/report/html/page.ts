import { counted, grouped } from '../../diagnosis/numbers.ts'
import type { Mood } from '../../model/review.ts'
import { type Html, html, htmlText, NOTHING } from './html.ts'
import { STYLE } from './style.ts'
import { tinted } from './words.ts'

/** A part of a page; nothing where nothing is in it. `more`: what the list of parts says beside its title. */
export type Part = {
  readonly id: string
  readonly title: string
  readonly more?: string
  readonly content: readonly Html[]
}

export type Page = {
  readonly title: string
  readonly headline: string
  readonly tally: readonly Tallied[]
  /** What stands beside each other below the headline. */
  readonly facts: readonly Fact[]
  readonly parts: readonly Part[]
  readonly footer: string
}

/** `wide`: it takes a line of its own. */
export type Fact = { readonly name: string; readonly value: Html; readonly wide?: true }

/** So many hosts, and the word for how they are. */
export type Tallied = { readonly word: string; readonly mood: Mood; readonly hosts: number }

/**
 * One page for whom it may concern: it needs no other file, runs nothing and loads nothing, and says so to the browser. The summary is
 * on top, then where to find what.
 */
export function pageText({ title, headline, tally, facts, parts, footer }: Page): string {
  const told = parts.filter(({ content }) => content.length > 0)
  return htmlText(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
${STYLE}
</head>
<body>
<header>
<h1>${title}</h1>
<p class="headline">${headline}</p>
${tallyHtml(tally)}<dl>
${facts.map(({ name, value, wide }) => html`<div${wide === true ? html` class="wide"` : NOTHING}><dt>${name}</dt><dd>${value}</dd></div>\n`)}</dl>
</header>
${told.length < 2 ? NOTHING : contents(told)}<main>
${told.map(partHtml)}</main>
<footer><p class="faint">${footer} Times are UTC. Characters that nobody could see are spelt, as in \\x1b.</p></footer>
</body>
</html>
`)
}

/** How many hosts are how: one bar, in parts, and in words what they are. */
function tallyHtml(tally: readonly Tallied[]): Html {
  const all = tally.reduce((sum, { hosts }) => sum + hosts, 0)
  if (all === 0) return NOTHING
  let at = 0
  const parts = tally.map(({ mood, hosts }) => {
    const left = at
    at += (hosts / all) * 1000
    return html`<rect class="fill ${mood}" x="${rounded(left)}" width="${rounded(at - left)}" height="10"/>`
  })
  const words = tally.map(
    ({ word, mood, hosts }) =>
      html`<li><span class="swatch ${mood}"></span>${tinted(mood, `${grouped(hosts)} ${word}`)}</li>\n`,
  )
  return html`<svg class="tally" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">${parts}</svg>
<ul class="tally" aria-label="${counted(all, 'host', 'hosts')}">
${words}</ul>
`
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

function contents(parts: readonly Part[]): Html {
  return html`<nav aria-label="On this page">
<ul>
${parts.map(({ id, title, more }) => html`<li><a href="#${id}">${title}</a>${more === undefined ? NOTHING : html` <span class="faint">${more}</span>`}</li>\n`)}</ul>
</nav>
`
}

function partHtml({ id, title, content }: Part): Html {
  return html`<section aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
${content}</section>
`
}
