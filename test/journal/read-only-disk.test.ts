import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { transactionScript } from '../../src/journal/transaction.ts'
import type { Change } from '../../src/model/change.ts'
import { SHELLS } from '../support/shells.ts'

// A disk that turns read-only while a change waits for its confirmation: no word of an undo can be written, and it is carried
// out all the same, each change of it.
test.for(SHELLS)('what cannot be recorded is taken back, in $name', ({ name, argv, missing }, ctx) => {
  if (missing) ctx.skip(`${name} is not installed`)
  if (spawnSync('unshare', ['-m', 'true']).status !== 0) ctx.skip('file systems of its own need root')
  const here = mkdtempSync(join(tmpdir(), 'ctfleet-read-only-'))
  try {
    const [disk, rules] = [join(here, 'disk'), join(here, 'rules')]
    for (const each of [disk, rules]) mkdirSync(each)
    const places = [1, 2, 3, 4, 5, 6].map((number) => join(rules, String(number)))
    for (const place of places) writeFileSync(place, 'before\n')
    writeFileSync(join(here, 'transaction'), transactionScript(places.map(ruleIn), { probe: ':', digest: 'none-0' }))
    const text = `set -e
mount -t tmpfs none "$1"
dir=$1/root/aaaaaaaaaa
mkdir -p "$dir/undecided"
cp "$2/transaction" "$dir"
digest() { sha256sum < "$1" | cut -d ' ' -f 1; }
for number in 1 2 3 4 5 6; do
  echo "1 intend $number $(digest "$2/rules/$number")" >> "$dir/journal"
  echo after > "$2/rules/$number"
  echo "1 done $number $(digest "$2/rules/$number")" >> "$dir/journal"
done
echo '1 applied' >> "$dir/journal"
touch "$dir/modules.brought" "$dir/tables.brought"
mount -o remount,ro "$1"
shift 2
exec "$@" -c '. "$0"; undo_all ": no confirmation came"' "$dir/transaction" no-verb`
    spawnSync('unshare', ['-m', 'sh', '-c', text, 'sh', disk, here, ...argv], { timeout: 60_000 })
    expect(readdirSync(disk)).toEqual([])
    expect(places.map((place) => readFileSync(place, 'utf8'))).toEqual(places.map(() => 'before\n'))
  } finally {
    rmSync(here, { recursive: true })
  }
})

function ruleIn(place: string, index: number): Change {
  return {
    id: `${index + 1}-firewall`,
    kind: 'firewall',
    title: 'a rule',
    phase: 'runtime',
    want: null,
    before: null,
    after: null,
    shown: { before: [], after: [] },
    probe: `cat ${place}`,
    apply: `echo after > ${place}`,
    undo: `echo before > ${place}`,
    stage: '',
    unstage: '',
    volatile: false,
    notes: [],
  }
}
