import { counted, grouped, percent } from '../../diagnosis/numbers.ts'
import type { Reading } from '../../model/reading.ts'
import type { Look, Pressure } from '../../model/review.ts'
import { type Html, html, NOTHING } from './html.ts'
import { table } from './table.ts'
import { type Anchors, hostName } from './words.ts'

/** Hosts before the others are folded. */
const MOST_HOSTS = 24

/** Of each host how full its table was and what it dropped, before and after, as bars of one scale and as numbers; worst before first. */
export function pressureChart(pressure: readonly Pressure[], anchors: Anchors): Html {
  if (pressure.length === 0) return NOTHING
  const most = Math.max(0, ...pressure.flatMap(({ before, after }) => [rateOf(before), rateOf(after)]))
  const worst = pressure.toSorted(
    (a, b) => rateOf(b.before) - rateOf(a.before) || shareOf(b.before) - shareOf(a.before),
  )
  const chart = (some: readonly Pressure[]) =>
    table({
      caption: 'Before the change, and as the checks saw it after',
      heads: ['Host', 'Table, of what it may hold', 'Drops, for want of room'],
      rows: some.map(({ host, before, after }) => [
        hostName(host, anchors),
        html`${fill('before', before.table)}${fill('after', after.table)}`,
        html`${lost('before', before.drops, most)}${lost('after', after.drops, most)}`,
      ]),
    })
  const others = worst.slice(MOST_HOSTS)
  const folded = html`<details><summary>${counted(others.length, 'host', 'hosts')} more that were under pressure</summary>\n${chart(others)}</details>\n`
  return html`<p>${together(pressure)}</p>\n${chart(worst.slice(0, MOST_HOSTS))}${others.length === 0 ? NOTHING : folded}`
}

/** What the fleet lost, as far as both is known of a host: what is not known must not look like an improvement. */
function together(pressure: readonly Pressure[]): string {
  const told = pressure.filter(({ before, after }) => before.drops.known && after.drops.known)
  const sum = (when: 'before' | 'after') => rate(told.reduce((all, each) => all + rateOf(each[when]), 0))
  const silent = pressure.length - told.length
  const all = `${counted(pressure.length, 'host was', 'hosts were')} under pressure.`
  if (told.length === 0) return `${all} What they dropped before and after is not known of any.`
  const who = silent === 0 ? (told.length === 1 ? 'It' : 'Together they') : grouped(told.length)
  const rest = silent === 0 ? '' : `; of ${counted(silent, 'other', 'others')} one of the two is not known`
  return `${all} ${who} dropped ${sum('before')} before the change and ${sum('after')} after it${rest}.`
}

function rateOf({ drops }: Look): number {
  return drops.known ? drops.value : 0
}

/** The kernel lets a table be over its max after that was lowered; without a max there is no part to show. */
function shareOf({ table }: Pick<Look, 'table'>): number {
  return table.known && table.value.max > 0 ? table.value.entries / table.value.max : 0
}

/** A number stays with its unit. */
function rate(value: number): string {
  return `${grouped(Math.round(value * 10) / 10)}\u202fpackets/s`
}

type When = 'before' | 'after'

function fill(when: When, table: Look['table']): Html {
  if (!table.known) return notKnown(when, table.why)
  const share = shareOf({ table })
  const mood = share >= 0.95 ? 'bad' : share >= 0.75 ? 'warn' : 'good'
  return meter(
    when,
    bar(share, mood),
    html`<strong>${percent(share)}</strong> <span class="faint">${grouped(table.value.entries)} of ${grouped(table.value.max)}</span>`,
  )
}

function lost(when: When, drops: Reading<number>, most: number): Html {
  if (!drops.known) return notKnown(when, drops.why)
  const share = most > 0 ? drops.value / most : 0
  return meter(when, bar(share, drops.value > 0 ? 'bad' : 'good'), html`<strong>${rate(drops.value)}</strong>`)
}

function meter(when: When, drawn: Html, told: Html): Html {
  return html`<div class="meter"><span class="faint">${when}</span>${drawn}<span>${told}</span></div>`
}

/** Says nothing that the words beside it do not say. */
function bar(share: number, mood: 'good' | 'warn' | 'bad'): Html {
  const width = Math.round(Math.min(Math.max(share, 0), 1) * 1000) / 10
  return html`<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect class="fill ${mood}" width="${width}" height="6"/></svg>`
}

function notKnown(when: When, why: string): Html {
  return html`<div class="meter"><span class="faint">${when}</span><span class="faint unknown">not known: ${why}</span></div>`
}
