import type { LeftOutHosts } from '../../model/result.ts'

/** What a document has besides its hosts where `--where` chose them: `leftOut`, names, and `unsure`, each with its cause. */
export function leftOutJson({ leftOut, unsure }: LeftOutHosts): object {
  return { where: { leftOut, unsure } }
}
