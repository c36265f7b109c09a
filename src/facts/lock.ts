import type { LockFacts, LockHolder } from '../model/facts.ts'
import { known, type Reading, unknown } from '../model/reading.ts'
import type { Section } from '../shell/bundle.ts'
import { sh } from '../shell/script.ts'
import { type Fact, linesOf, notUnderstood, readWith, wholeNumber } from './fact.ts'

// The holder's first lines are a transaction, the host's life (boot id, start of process 1), the moment, who asked. The journal is
// read after it: a transaction that ends in between is over.
const probe = sh`if ! [ -d /var/lib/ctfleet ]; then echo none
elif [ "$uid" != 0 ]; then echo unreadable
elif ! [ -d /var/lib/ctfleet/lock ]; then echo none
else
  echo "now $(date +%s)"
  printf 'boot %s\n' "$(cat /proc/sys/kernel/random/boot_id)"
  sed 's/.*) //' /proc/1/stat | { read -r a b c d e f g h i j k l m n o p q r s started rest; echo "started $started"; }
  head -n 5 /var/lib/ctfleet/lock/holder | sed 's/^/holder /'
  holder=$(head -n 1 /var/lib/ctfleet/lock/holder)
  case $holder in
  '' | *[!A-Za-z0-9-]*) ;;
  *)
    if [ -d "/var/lib/ctfleet/$holder" ]; then echo kept; fi
    printf 'last %s\n' "$(sed -n 's/^[0-9][0-9]* \([a-z]\)/\1/p' "/var/lib/ctfleet/$holder/journal" | sed -n '$p')"
    ;;
  esac
fi
:`

export const lock: Fact<LockFacts> = {
  name: 'lock',
  probes: [{ name: 'lock', probe, bytes: 'own' }],
  parse(sections) {
    return { holder: readWith(sections('lock'), holderIn) }
  },
}

function holderIn({ code, output }: Section): LockFacts['holder'] {
  if (code !== 0) return unknown(`the probe of the lock ended early, with code ${code}`)
  if (output === 'none\n') return known(null)
  if (output === 'unreadable\n') return unknown('only root may read /var/lib/ctfleet')
  const lines = linesOf(output, 40)
  const all = (word: string) =>
    lines.flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []))
  const seenAt = momentOf(all('now')[0])
  if (seenAt === null) return unknown('date +%s printed no number')
  const [transaction = '', boot, started, since, asked] = all('holder')
  if (transaction === '') return unknown('the lock names nobody: a transaction was just beginning there')
  if (!/^[A-Za-z0-9-]{1,60}$/.test(transaction)) return notUnderstood('the holder of the lock', transaction)
  const standing = standingOf(all('last')[0] ?? '')
  // What is over, or was removed by hand, has left its lock behind; the next transaction takes it.
  if (standing === 'over' || !lines.includes('kept')) return known(null)
  // One that is just being written lacks its end.
  const isWhole = boot !== undefined && started !== undefined
  const beforeRestart = isWhole && (boot !== all('boot')[0] || started !== all('started')[0])
  const until = standing === 'not-over' ? null : standing.until
  // First aid writes no files: a restart has taken it away.
  if (until !== null && beforeRestart) return known(null)
  return holding({ transaction, since: momentOf(since), asker: askerOf(asked), until, beforeRestart, seenAt })
}

const holding = (holder: LockHolder): Reading<LockHolder> => known(holder)

/** @param record the last one of the transaction's journal, without its time */
function standingOf(record: string): 'over' | 'not-over' | { readonly until: number } {
  const until = momentOf(/^committed until (\d{1,12})$/.exec(record)?.[1])
  if (until !== null) return { until }
  return /^(committed|rolled-back|needs-hands|refused)( |$)/.test(record) ? 'over' : 'not-over'
}

function askerOf(asked = ''): LockHolder['asker'] {
  const [, run, by] = /^run ([ -~]{1,40}?) by ([ -~]{0,80})$/.exec(asked) ?? []
  return run === undefined || by === undefined ? null : { run, by }
}

function momentOf(text: string | undefined): number | null {
  const moment = wholeNumber(text)
  return moment === undefined || moment > 999_999_999_999 ? null : moment
}
