import type { Json } from '../model/json.ts'
import type { NftRule, NftStatement } from './nft-shape.ts'
import { oneKey, textOf } from './nft-text-expressions.ts'
import { writeStatement } from './nft-text-statements.ts'
import { line, quoted } from './nft-text-values.ts'

/**
 * The rule as `nft -s list` (1.0.6) prints it, without handle; null where it holds something that this does not know how to
 * write, or that would be read as something else.
 */
export function ruleText(rule: NftRule): string | null {
  if (rule.statements.length === 0) return null
  const { family, comment } = rule
  return line(
    ...rule.statements.map((statement) => inFamily(statement, family)),
    comment === null ? '' : line('comment', quoted(comment)),
  )
}

/** One statement; null where it reads differently in different families, too. */
export function statementText(statement: NftStatement): string | null {
  return inFamily(statement, null)
}

/** An expression with its constants as numbers, words and addresses. */
export function expressionText(expression: Json): string | null {
  return textOf(expression, 'plain')
}

function inFamily(statement: NftStatement, family: string | null): string | null {
  const [kind, body] = oneKey(statement)
  return kind === null ? null : writeStatement(kind, body, family)
}
