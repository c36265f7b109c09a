import type { HistoryFacts } from '../model/facts.ts'
import { known, unknown } from '../model/reading.ts'
import type { Section } from '../shell/bundle.ts'
import { sh } from '../shell/script.ts'
import { type Fact, filesIn, readWith, wholeNumber } from './fact.ts'

// Each transaction keeps its journal in a directory that only root may enter.
const probe = sh`if ! [ -d /var/lib/ctfleet ]; then echo none
elif [ "$uid" != 0 ]; then echo unreadable
else
  echo "now $(date +%s)"
  grep -s -E '^[0-9]+ (committed|rolled-back|needs-hands)$' /var/lib/ctfleet/*/journal /dev/null
fi
:`

export const history: Fact<HistoryFacts> = {
  name: 'history',
  probes: [{ name: 'history', probe, bytes: 'own' }],
  parse(sections) {
    return { lastChangeAgeSeconds: readWith(sections('history'), ageIn) }
  },
}

function ageIn({ code, output }: Section): HistoryFacts['lastChangeAgeSeconds'] {
  if (code !== 0) return unknown(`the probe of the history ended early, with code ${code}`)
  if (output === 'none\n') return known(null)
  if (output === 'unreadable\n') return unknown('only root may read /var/lib/ctfleet')
  const now = wholeNumber(/^now (\d{1,12})$/m.exec(output)?.[1])
  if (now === undefined) return unknown('date +%s printed no number')
  // What was taken back again is no change that stands.
  const committed = [...filesIn(output).values()].flatMap((records) => {
    const at = /^(\d{1,12}) committed$/.exec(records.at(-1) ?? '')?.[1]
    return at === undefined ? [] : [Number(at)]
  })
  return known(committed.length === 0 ? null : Math.max(now - committed.reduce((a, b) => Math.max(a, b)), 0))
}
