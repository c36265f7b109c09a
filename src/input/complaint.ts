/** One mistake in something a person wrote, where it is, and the next move. */
export type Complaint = {
  /** As the person named it, or the option the text came from: `--limit`. */
  readonly file: string
  /** From 1; null where the mistake is the file itself (missing, unreadable). */
  readonly line: number | null
  readonly column: number | null
  /** Where in the document: `hosts.db-3.port`; empty for the document as a whole. */
  readonly path: string
  readonly message: string
  readonly hint: string | null
}

export type Position = { readonly line: number; readonly column: number }

/** Mistakes that the operator must mend before anything is contacted: all of them at once. */
export class InputError extends Error {
  override readonly name = 'InputError'
  readonly complaints: readonly Complaint[]

  /** The message has the first thousand of them. */
  constructor(complaints: readonly Complaint[]) {
    super(complaints.slice(0, MOST_TOLD).map(printComplaint).join('\n'))
    this.complaints = complaints
  }
}

/** What several attempts have against what a person gave, as one. */
export function together(errors: readonly InputError[]): InputError {
  return new InputError(errors.flatMap(({ complaints }) => complaints))
}

/** Nobody reads more, and every line of a large file that was not meant may be a mistake. */
const MOST_TOLD = 1000

/** `inventory.yaml:14:9 hosts.db-3.port: expected a whole number, found "ssh"`, and a line for the hint where there is one. */
export function printComplaint({ file, line, column, path, message, hint }: Complaint): string {
  const place = line === null ? file : `${file}:${line}:${column ?? 1}`
  const first = `${place}${path === '' ? '' : ` ${path}`}: ${message}`
  return hint === null ? first : `${first}\n  ${hint.replaceAll('\n', '\n  ')}`
}

/** In the order in which a person meets them, reading from the top; then what is about a file as a whole. */
export function inReadingOrder(complaints: readonly Complaint[]): readonly Complaint[] {
  const line = (complaint: Complaint) => complaint.line ?? Number.MAX_SAFE_INTEGER
  return complaints.toSorted((a, b) => line(a) - line(b) || (a.column ?? 0) - (b.column ?? 0))
}

/** A value as it stands in a complaint: JSON, at most about 60 characters, nothing in it that a terminal would obey. */
export function quoted(value: unknown): string {
  const text = (JSON.stringify(value) ?? String(value)).replace(/[\p{C}\u2028\u2029]/gu, escaped)
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`
}

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}
