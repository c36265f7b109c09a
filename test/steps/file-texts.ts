import { fc } from '@fast-check/vitest'

export const present = (text: string) => ({ file: 'present', mode: '644', owner: '0:0', text }) as const

// biome-ignore lint/suspicious/noTemplateCurlyInString: shell text
const BRACES = '${x}'
const hostile = fc.array(
  fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom("'", '"', '$(exit 9)', '`id`', '\\', '\\n', '%s', '\n', '\r', '!', BRACES, '-n', "'\\''"),
  ),
  { maxLength: 8 },
)
/** What a file may hold, with all that a shell would take for its own. */
export const content = hostile
  .map((pieces) => pieces.join(''))
  .filter((text) => !text.includes('\0') && !text.includes('\uFFFD') && Buffer.from(text).toString() === text)
