import { visible } from '../format.ts'

/**
 * A text as SARIF's plain text messages have it: what nobody could see is spelt, and nothing in it is a link
 * (SARIF 2.1.0, 3.11.6: `[text](target)` would be one).
 */
export function message(text: string): { readonly text: string } {
  const seen = visible(text)
  return { text: seen.includes('](') ? seen.replace(/[[\]\\]/g, '\\$&') : seen }
}

/** The name of a file as a URI reference, relative where it is (RFC 3986). */
export function uriOf(file: string): string {
  const path = visible(file).split('/').map(encodeURIComponent).join('/')
  return file.startsWith('/') ? `file://${path}` : path
}
