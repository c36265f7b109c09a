import { expect } from 'vitest'

/** Lines of Markdown without what stands in fences and in backticks; every fence has its end. */
export function withoutCode(lines: readonly string[]): readonly string[] {
  let fence: string | null = null
  const outside: string[] = []
  for (const line of lines) {
    const [, opened] = /^(`{3,})\w*$/.exec(line) ?? []
    if (fence === null && opened !== undefined) fence = opened
    else if (fence !== null) fence = line === fence ? null : fence
    else outside.push(line.replace(/\\`/g, '').replace(/(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)/g, ''))
  }
  expect(fence).toBeNull()
  return outside
}
