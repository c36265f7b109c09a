import { type Html, html, NOTHING } from './html.ts'

/** `heads`: with the words of ours that stand above each column; the first cell of a row is its head. */
export type Table = {
  readonly caption: string
  readonly heads: readonly string[]
  readonly rows: readonly (readonly Html[])[]
}

/** A table that becomes a list of its rows where there is no room beside each other; then each cell says what it is. */
export function table({ caption, heads, rows }: Table): Html {
  if (rows.length === 0) return NOTHING
  return html`<table>
<caption>${caption}</caption>
<thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>
${rows.map(([first = NOTHING, ...others]) => html`<tr><th scope="row">${first}</th>${others.map((cell, at) => html`<td data-head="${heads[at + 1] ?? ''}">${cell}</td>`)}</tr>\n`)}</tbody>
</table>
`
}
