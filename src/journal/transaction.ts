import type { Change } from '../model/change.ts'
import type { BoundTo } from '../model/plan.ts'
import { approvedScript, lines, type Script, sh } from '../shell/script.ts'
import { GROUND } from './ground.ts'
import { TRACES } from './traces.ts'
import { VERBS } from './verbs.ts'

/** Where transactions live on a host: one directory each, and the lock. */
export const ROOT = '/var/lib/ctfleet'

/** Prints one word for what stdin holds; `cksum` where there is no sha256sum, with the length beside it. */
export const DIGEST: Script = sh`digest() {
  if command -v sha256sum > /dev/null 2>&1; then set -- $(sha256sum); else set -- $(cksum) && set -- "$1-$2"; fi
  echo "$1"
}`

/**
 * The one script that carries a transaction on its host: `run`, `switch` (the dead-man's), `confirm`, `abort`, `undo`.
 * Exactly one of confirm, abort, failure and expiry renames `undecided` to `decision`; the others obey it. A rename
 * needs no room on the disk, so a full one cannot keep the host from taking itself back.
 */
export function transactionScript(changes: readonly Change[], boundTo: BoundTo): string {
  const numbered = changes.map((change, index) => ({ change, number: index + 1 }))
  const numbersOf = (phase: Change['phase']) =>
    numbered.filter(({ change }) => change.phase === phase).map(({ number }) => number)
  return lines(
    sh`#!/bin/sh
# A ctfleet transaction. To take it back by hand: sh undo
# The PATH that the facts were read with: the same iptables must answer and act.
PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin
LC_ALL=C
export PATH LC_ALL
trap '' HUP
umask 077
verb=$1
case $0 in */*) dir=$(cd "\${0%/*}" && pwd) ;; *) dir=$(pwd) ;; esac
root=\${dir%/*}
cd /
bound_digest=${boundTo.digest}
runtime_changes=${numbersOf('runtime').join(' ')}
persist_changes=${numbersOf('persist').join(' ')}
all_changes=${numbered.map(({ number }) => number).join(' ')}
backwards=${numbered
      .map(({ number }) => number)
      .reverse()
      .join(' ')}
rule_changes=${numbered
      .filter(({ change }) => change.kind === 'firewall')
      .map(({ number }) => number)
      .join(' ')}
rule_files=${numbered
      .filter(({ change }) => change.kind === 'rules-file')
      .map(({ number }) => number)
      .join(' ')}
volatile_changes=${numbered
      .filter(({ change }) => change.volatile)
      .map(({ number }) => number)
      .join(' ')}`,
    DIGEST,
    func('bound_probe', boundTo.probe),
    ...numbered.flatMap(({ change, number }) => [
      func(`probe_${number}`, change.volatile ? ':' : change.probe),
      func(`stage_${number}`, change.stage),
      func(`unstage_${number}`, change.unstage),
      func(`apply_${number}`, change.apply),
      func(`undo_${number}`, change.undo),
    ]),
    GROUND,
    TRACES,
    VERBS,
  ).text
}

function func(name: string, body: string): Script {
  return approvedScript(`${name}() {\n${body.trim() === '' ? ':' : body}\n}`)
}

export function directoryOf(transaction: string): string {
  return `${ROOT}/${transaction}`
}
