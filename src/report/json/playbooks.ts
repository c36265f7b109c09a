import type { ListedPlaybook } from '../../playbook/listing.ts'

/**
 * `always`: judged for every host, and not only where it is asked for. `title` is null where the file has mistakes: `complaints` are
 * the first thousand, `more` how many there are besides.
 */
export function playbooksJson(listed: readonly ListedPlaybook[], isJudgedAlways: (name: string) => boolean): object {
  return {
    version: 1,
    playbooks: listed.map(({ name, file, from, playbook, complaints }) => ({
      name,
      title: playbook?.title ?? null,
      from,
      file,
      always: isJudgedAlways(name),
      complaints: complaints.slice(0, MOST),
      more: Math.max(0, complaints.length - MOST),
    })),
  }
}

const MOST = 1000
