import type { RuleSet } from './rules.ts'

/** Prints rules so that a restore tool takes them and `parseRules` reads the same again. */
export function printRules(rules: RuleSet): string {
  return rules.tables
    .map(({ name, chains }) =>
      [
        `*${name}`,
        ...chains.map((chain) => `:${chain.name} ${chain.policy ?? '-'} [0:0]`),
        ...chains.flatMap((chain) => chain.rules.map(({ spec }) => `-A ${chain.name} ${spec}`.trimEnd())),
        'COMMIT',
        '',
      ].join('\n'),
    )
    .join('')
}
