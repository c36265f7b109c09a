import { html } from './html.ts'

/**
 * Colours are pairs of text and ground with a contrast of at least 4.5 to 1 (WCAG 2.1, 1.4.3), in light and in dark; a test
 * computes them. Nothing is told by colour alone.
 */
export const STYLE = html`<style>
:root { color-scheme: light dark; --ground: #ffffff; --panel: #f5f6f8; --text: #1c2128; --faint: #57606a; --line: #d3d8df;
  --good: #116329; --warn: #7a4a00; --bad: #a40e26; --link: #0a4fa3; --added: #0d5323; --removed: #8c1020;
  --added-ground: #e3f6e8; --removed-ground: #fdeaec;
  --fill-good: #3f9a5f; --fill-warn: #c98a1b; --fill-bad: #c62f3e; --fill-faint: #a8b0ba }
@media (prefers-color-scheme: dark) { :root { --ground: #14181d; --panel: #1d232b; --text: #e3e8ee; --faint: #a3adb9; --line: #39424d;
  --good: #6bd08a; --warn: #e9b25c; --bad: #ff9aa2; --link: #8ab8f5; --added: #8fe0a8; --removed: #ffb1b7;
  --added-ground: #14301d; --removed-ground: #3a1a1e;
  --fill-good: #4fae70; --fill-warn: #d29a3a; --fill-bad: #e5626e; --fill-faint: #5d6875 } }
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; scroll-padding-top: 1rem }
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1.5rem 4rem; font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  font-variant-numeric: tabular-nums; color: var(--text); background: var(--ground) }
h1, h2, h3, h4, p, li, td, th, dd, pre, code, summary { overflow-wrap: anywhere }
h1 { font-size: 1rem; font-weight: 600; color: var(--faint); margin: 0 0 .25rem }
h2 { font-size: 1.35rem; line-height: 1.25; margin: 3rem 0 1rem; padding-top: .75rem; border-top: 2px solid var(--line) }
h3 { font-size: 1.05rem; line-height: 1.4; margin: 0 0 .5rem }
h4 { font-size: .95rem; font-weight: 600; margin: 1.25rem 0 .25rem }
p { margin: .5rem 0; max-width: 75ch }
ul { margin: .5rem 0; padding-left: 1.25rem }
code, pre { font: .875em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace }
pre { margin: .25rem 0 .75rem; padding: .6rem .75rem; white-space: pre-wrap; background: var(--panel); border: 1px solid var(--line); border-radius: 4px }
a { color: var(--link); text-underline-offset: .15em }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px }
:target { background: var(--panel) }
ins, del { display: block; margin: 0 -.75rem; padding: 0 .75rem; text-decoration: none }
ins { color: var(--added); background: var(--added-ground) }
del { color: var(--removed); background: var(--removed-ground) }
.headline { font-size: 1.6rem; line-height: 1.3; font-weight: 600; margin: 0 0 1rem; max-width: 60ch; text-wrap: pretty }
.good { color: var(--good) }
.warn { color: var(--warn) }
.bad { color: var(--bad) }
.faint { color: var(--faint) }
.status { font-weight: 600 }
h3 > .faint:not(.status) { font-weight: 400 }
.fill.good { fill: var(--fill-good) }
.fill.warn { fill: var(--fill-warn) }
.fill.bad { fill: var(--fill-bad) }
.fill.faint { fill: var(--fill-faint) }
svg.tally { display: block; width: 100%; height: .75rem; border-radius: 3px }
ul.tally { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; margin: .5rem 0 1.5rem; padding: 0 }
.swatch { display: inline-block; width: .7rem; height: .7rem; margin-right: .4rem; border-radius: 2px }
.swatch.good { background: var(--fill-good) }
.swatch.warn { background: var(--fill-warn) }
.swatch.bad { background: var(--fill-bad) }
.swatch.faint { background: var(--fill-faint) }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: .75rem 1.5rem; margin: 0 0 1.5rem }
dt { font-size: .85rem; color: var(--faint) }
dd { margin: 0 }
.wide { grid-column: 1 / -1 }
nav { padding: .75rem 1rem; background: var(--panel); border: 1px solid var(--line); border-radius: 4px }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; list-style: none; margin: 0; padding: 0 }
.card { margin: 0 0 1rem; padding: .75rem 1rem; color: var(--text); background: var(--panel); border-left: 4px solid var(--fill-faint); border-radius: 0 4px 4px 0 }
.card.good { border-left-color: var(--fill-good) }
.card.warn { border-left-color: var(--fill-warn) }
.card.bad { border-left-color: var(--fill-bad) }
.card > :last-child, .whole > :last-child { margin-bottom: 0 }
.card .whole + .whole { margin-top: 1rem }
.work { margin: 0 0 2rem }
ul.hosts { display: flex; flex-wrap: wrap; gap: .1rem .9rem; list-style: none; margin: 0; padding: 0 }
.next { margin-top: .75rem }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem; font-size: .95rem }
caption { text-align: left; font-size: .85rem; color: var(--faint); padding-bottom: .4rem }
th, td { text-align: left; vertical-align: top; padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line) }
thead th { font-size: .85rem; color: var(--faint); border-bottom: 2px solid var(--line) }
tbody th { font-weight: 400 }
/* A cell breaks words only where it must: columns never shrink to single letters. */
th, td { min-width: 6rem }
th:first-child { min-width: 8rem }
td .status, td time, .meter strong, .meter > :first-child { white-space: nowrap }
.meter { display: grid; grid-template-columns: 3.2rem minmax(5rem, 9rem) 1fr; gap: 0 .75rem; align-items: center; padding: .05rem 0 }
.meter .unknown { grid-column: 2 / -1 }
svg.bar { display: block; width: 100%; height: .6rem; background: var(--panel); outline: 1px solid var(--line); border-radius: 2px }
details { margin: .5rem 0 }
summary { cursor: pointer; color: var(--link); width: fit-content }
footer { margin-top: 3rem; padding-top: .75rem; border-top: 1px solid var(--line); font-size: .85rem }
@media screen and (max-width: 40rem) {
  body { padding: 1rem .9rem 3rem }
  .headline { font-size: 1.3rem }
  .meter { grid-template-columns: 2.8rem minmax(3rem, 6rem) 1fr }
  h2 { margin-top: 2rem }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
  table, tbody, tr, caption { display: block }
  th, td { display: block; min-width: 0; border: 0; padding: .1rem 0 }
  tr { padding: .5rem 0; border-bottom: 1px solid var(--line) }
  td[data-head]::before { content: attr(data-head); display: block; font-size: .8rem; color: var(--faint) }
  td:empty { display: none }
}
@media print {
  :root { color-scheme: light; --ground: #ffffff; --panel: #ffffff; --text: #000000; --faint: #3c434b; --line: #c4cad2;
    --good: #0b4a1e; --warn: #5c3800; --bad: #8c0b1f; --link: #000000; --added: #0b4a1e; --removed: #8c0b1f;
    --added-ground: #ffffff; --removed-ground: #ffffff;
    --fill-good: #3f9a5f; --fill-warn: #c98a1b; --fill-bad: #c62f3e; --fill-faint: #a8b0ba }
  @page { margin: 15mm }
  html { font-size: 9pt }
  body { max-width: none; padding: 0 }
  nav { display: none }
  a { text-decoration: none }
  h2 { margin-top: 1.5rem }
  h2, h3, h4, summary, caption { break-after: avoid }
  tr, dl, .whole, .meter { break-inside: avoid }
  thead { display: table-header-group }
  summary { color: var(--faint); list-style: none }
  .meter { grid-template-columns: 3rem minmax(2rem, 6rem) 1fr; gap: 0 .5rem }
  svg, .swatch, .card { print-color-adjust: exact; -webkit-print-color-adjust: exact }
  /* What is folded on screen is printed. */
  details::details-content { content-visibility: visible; block-size: auto }
}
</style>`
