import { counted } from '../../diagnosis/numbers.ts'
import type { Mood } from '../../model/review.ts'
import { type Html, html, NOTHING } from './html.ts'

/** Pieces that several parts of a page have in common. */

export function bulleted(texts: readonly string[]): Html {
  return texts.length === 0 ? NOTHING : html`<ul>${texts.map((text) => html`<li>${text}</li>`)}</ul>\n`
}

/** The word in its colour; the word is what tells it. */
export function tinted(mood: Mood, text: string): Html {
  return html`<span class="status ${mood}">${text}</span>`
}

export function status({ mood, status }: { readonly mood: Mood; readonly status: string }): Html {
  return tinted(mood, status)
}

/** Where on the page a host's changes are, by its name. */
export type Anchors = ReadonlyMap<string, string>

const NOWHERE: Anchors = new Map()

export function hostName(host: string, anchors: Anchors): Html {
  const id = anchors.get(host)
  return id === undefined ? html`<code>${host}</code>` : html`<a href="#${id}"><code>${host}</code></a>`
}

/** Names before the others are folded. */
const MOST_NAMES = 24

export function hostNames(hosts: readonly string[], anchors: Anchors = NOWHERE): Html {
  const chips = (some: readonly string[]) => html`${some.map((host) => html`<li>${hostName(host, anchors)}</li>`)}`
  const first = html`<ul class="hosts">${chips(hosts.slice(0, MOST_NAMES))}</ul>\n`
  const others = hosts.slice(MOST_NAMES)
  if (others.length === 0) return first
  return html`${first}<details class="more"><summary>and ${counted(others.length, 'host', 'hosts')} more</summary>
<ul class="hosts">${chips(others)}</ul></details>
`
}

/** The first ones, and the others folded, so that the page can be looked over. */
export function folding(all: readonly Html[], most: number): readonly Html[] {
  const others = all.slice(most)
  if (others.length === 0) return all
  return [
    ...all.slice(0, most),
    html`<details><summary>and ${counted(others.length, 'other', 'others')}</summary>\n${others}</details>\n`,
  ]
}

/** What to type or do now. */
export function nextStep(text: string): Html {
  return html`<p class="next"><strong>Next:</strong> ${text}</p>\n`
}

/** In UTC, to the second. @param at RFC 3339, UTC */
export function moment(at: string): Html {
  return html`<time datetime="${at}">${`${at.slice(0, 19).replace('T', ' ')} UTC`}</time>`
}
