import fastStringWidth from 'fast-string-width'
import type { Paper } from '../../src/report/format.ts'

/** Paper without colour. */
export function plain(columns: number): Paper {
  return { columns, width: (text) => fastStringWidth(text), ink: (_tone, text) => text }
}

/** Paper on which colour shows as marks that a test can read: `<bad:…>`, and takes no width. */
export function marked(columns: number): Paper {
  const width = (text: string) => fastStringWidth(text.replace(/<\w+:|>/g, ''))
  return { columns, width, ink: (tone, text) => `<${tone}:${text}>` }
}
