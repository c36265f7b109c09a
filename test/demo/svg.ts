/** What a terminal shows, as a picture: text stays text, and it is readable on light and dark pages. */
export function terminalSvg(title: string, captured: string, columns: number): string {
  const lines = captured.replace(/\s+$/, '').split('\n')
  const width = columns * CELL + 2 * MARGIN
  const height = (lines.length + 1) * LINE + 2 * MARGIN
  const rows = lines.map((line, at) => {
    const y = MARGIN + (at + 2) * LINE
    return `<text x="${MARGIN}" y="${y}">${spansOf(line)}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${escaped(title)}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
<rect class="window" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
<circle class="button" cx="20" cy="18" r="5"/><circle class="button" cx="38" cy="18" r="5"/><circle class="button" cx="56" cy="18" r="5"/>
${rows.join('\n')}
</svg>
`
}

const CELL = 8.43
const LINE = 19
const MARGIN = 16

// Contrast of each ink on its paper is 4.5 or more.
const STYLE = `
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre;fill:#1f2328}
.window{fill:#ffffff;stroke:#d1d9e0}.button{fill:#d1d9e0}
.bold{font-weight:700}.dim{fill:#59636e}.red{fill:#cf222e}.green{fill:#116329}.yellow{fill:#7d4e00}.blue{fill:#0550ae}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.window{fill:#0d1117;stroke:#3d444d}.button{fill:#3d444d}
.dim{fill:#9198a1}.red{fill:#ff7b72}.green{fill:#7ee787}.yellow{fill:#e3b341}.blue{fill:#79c0ff}}
`

const COLOURS: { readonly [code: number]: string } = { 31: 'red', 32: 'green', 33: 'yellow', 34: 'blue', 36: 'blue' }

/** Escape codes for colours as classes; all others are left out. */
function spansOf(line: string): string {
  const classes = new Set<string>()
  return line
    .split(/(\x1b\[[\d;]*m)/)
    .map((part) => {
      const codes = /^\x1b\[([\d;]*)m$/.exec(part)?.[1]
      if (codes === undefined) return spanOf(part, classes)
      for (const code of codes.split(';').map(Number)) apply(code, classes)
      return ''
    })
    .join('')
}

function apply(code: number, classes: Set<string>): void {
  if (code === 0) classes.clear()
  if (code === 1) classes.add('bold')
  if (code === 2) classes.add('dim')
  if (code === 22) for (const weight of ['bold', 'dim']) classes.delete(weight)
  if (code === 39 || code in COLOURS) for (const colour of Object.values(COLOURS)) classes.delete(colour)
  const colour = COLOURS[code]
  if (colour !== undefined) classes.add(colour)
}

function spanOf(text: string, classes: ReadonlySet<string>): string {
  // What is left of other escape codes, and what XML has no place for.
  const shown = escaped(text.replace(/\x1b[^m]?|[\0-\x08\x0b-\x1f\x7f]/g, ''))
  if (shown === '') return ''
  return classes.size === 0 ? shown : `<tspan class="${[...classes].join(' ')}">${shown}</tspan>`
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
