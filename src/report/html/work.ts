import { counted } from '../../diagnosis/numbers.ts'
import type { ChangeTold, Work } from '../../model/review.ts'
import { type Html, html, NOTHING } from './html.ts'
import { table } from './table.ts'
import { bulleted, status } from './words.ts'

/** What was done to hosts with the same change: the hosts with how each ended, and the diffs, folded where there are many such. */
export function workHtml(work: Work, { id, isOpen }: { readonly id: string; readonly isOpen: boolean }): Html {
  const { strategy, ended, hosts, changes, notes, gates } = work
  const open = isOpen ? html` open` : NOTHING
  return html`<section class="work">
<h3 id="${id}">${strategy} on ${counted(hosts.length, 'host', 'hosts')} <span class="faint">${ended}</span></h3>
<details${open}>
<summary>${counted(changes.length, 'change', 'changes')}, line by line</summary>
${changes.map(changeHtml)}${section('To know about it', notes)}${section('To be tested before it was kept', gates)}</details>
<details${hosts.length <= MOST_OPEN ? open : NOTHING}>
<summary>${counted(hosts.length, 'host', 'hosts')}, with plan and transaction</summary>
${table({
  caption: 'A plan is named by the digest of all that runs on its host',
  heads: ['Host', 'Status', 'Plan', 'Transaction'],
  rows: hosts.map(({ plan, transaction, ...told }) => [
    html`<code>${told.host}</code>`,
    status(told),
    html`<code>${plan}</code>`,
    transaction === null ? html`none` : html`<code>${transaction}</code>`,
  ]),
})}</details>
</section>
`
}

/** Hosts of one work that are shown at once. */
const MOST_OPEN = 12

function changeHtml({ title, phase, notes, diff }: ChangeTold, at: number): Html {
  const kept = phase === 'persist' ? html` <span class="faint">(kept over a reboot)</span>` : NOTHING
  return html`<h4>${at + 1}. ${title}${kept}</h4>
<pre>${diff.map(row)}</pre>
${bulleted(notes)}`
}

/** The sign is text: colour alone tells nothing. Blocks end their line by themselves. */
function row({ sign, text }: ChangeTold['diff'][number]): Html {
  switch (sign) {
    case '+':
      return html`<ins>+ ${text}</ins>`
    case '-':
      return html`<del>- ${text}</del>`
    case ' ':
      return html`  ${text}
`
    case '@':
      return html`<span class="faint">${text}</span>
`
  }
}

function section(title: string, texts: readonly string[]): Html {
  return texts.length === 0 ? NOTHING : html`<h4>${title}</h4>\n${bulleted(texts)}`
}
