import { existsSync } from 'node:fs'
import { EXPLAIN } from '../../audit/audit-rule.ts'
import { InputError } from '../../input/complaint.ts'
import { inventoryPath } from '../../inventory/inventory.ts'
import type { Check, Checkup } from '../../model/checkup.ts'
import type { Stage } from '../../model/event.ts'
import type { Host } from '../../model/host.ts'
import { visible } from '../../report/format.ts'
import { checkupJson } from '../../report/json/checkup.ts'
import { jsonText } from '../../report/json/text.ts'
import { remedyFor } from '../../report/remedy.ts'
import { machineText, wayText } from '../../report/text/checkup.ts'
import { listed } from '../../report/text/listed.ts'
import { doctorHost, LONGEST_SECONDS } from '../../run/doctor-host.ts'
import { notes } from '../../transport/notes.ts'
import { askForAccess } from '../access.ts'
import { formatFrom } from '../arguments.ts'
import { machineChecks } from '../doctor-machine.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { type TargetWords, targetsFrom } from '../targets.ts'
import type { Terminal } from '../terminal.ts'

export type DoctorWords = TargetWords & { readonly format: string }

/**
 * Says what this machine has of what ctfleet needs, and how far one gets on the way into one host. An inventory with mistakes does not
 * keep it from saying the rest.
 */
export async function doctorCommand(words: DoctorWords, terminal: Terminal): Promise<ExitCode> {
  const format = formatFrom(words.format)
  const { print, printText, paper, say } = terminal
  const chosen = await hostFrom(words)
  const machine = [...(await machineChecks(terminal, chosen.host)), ...chosen.checks]
  // A host that does not answer takes its time.
  if (format === 'text') print(machineText(paper, machine))
  const host = chosen.host === null ? null : await visited(chosen.host, words, terminal)
  const checkup: Checkup = { machine, host, why: chosen.why }
  if (format === 'text') print(wayText(paper, checkup))
  else printText(jsonText(checkupJson(checkup)))
  say([
    ...toldOfTheWay(),
    ...othersLeft(chosen.others),
    ...furtherOn(checkup, words.inventory ?? words.inventoryOption ?? null),
  ])
  if (chosen.isMistyped) return EXIT.usage
  const all = [...machine, ...(host?.checks ?? [])]
  return all.some(({ standing }) => standing === 'failed') ? EXIT.someFailed : EXIT.asWanted
}

type Chosen = {
  readonly host: Host | null
  readonly checks: readonly Check[]
  readonly why: string | null
  /** Hosts that are meant too, and not looked at. */
  readonly others: number
  /** The inventory is fine, and the mistake is in what was typed. */
  readonly isMistyped: boolean
}

const NONE = { host: null, others: 0, isMistyped: false } as const

/** The first of those that are meant: one is enough to see whether the way is open. */
async function hostFrom(words: DoctorWords): Promise<Chosen> {
  const named = words.inventory ?? words.inventoryOption
  const path = inventoryPath(named, process.env)
  if (named === undefined && !process.env.CTFLEET_INVENTORY && !existsSync(path)) {
    const said = 'none yet: no ./inventory.yaml, and none is named'
    const next = 'ctfleet init web-1, or name one: ctfleet doctor hosts.ini'
    return { ...NONE, checks: [{ check: 'inventory', standing: 'note', said, next }], why: 'No host to look at.' }
  }
  try {
    const { hosts, setAside, inventory } = await targetsFrom(words)
    const [first] = hosts
    const aside = setAside.length === 0 ? '' : `; ${setAside.length} set aside, shown by ctfleet inventory`
    const many = hosts.length > 1 ? `; of its ${hosts.length} hosts only ${first?.name} is looked at` : ''
    const check: Check = { check: 'inventory', standing: 'ok', said: `${inventory}${many}${aside}`, next: null }
    const others = Math.max(0, hosts.length - 1)
    return {
      ...NONE,
      host: first ?? null,
      checks: [check],
      why: first === undefined ? 'No host to look at.' : null,
      others,
    }
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    const isMistyped = error.complaints.every(({ file }) => file === '--limit')
    const check = isMistyped ? 'hosts' : 'inventory'
    const checks = error.complaints.slice(0, MOST_COMPLAINTS).map(({ file, line, column, message, hint }): Check => {
      const place = line === null ? file : `${file}:${line}:${column ?? 1}`
      return { check, standing: 'failed', said: `${place}: ${message}`, next: hint }
    })
    const more = error.complaints.length - checks.length
    if (more > 0) checks.push({ check, standing: 'failed', said: `and ${more} more`, next: null })
    const why = `No host was looked at: ${isMistyped ? '--limit means none' : 'first mend what is named above'}.`
    return { ...NONE, checks, why, isMistyped }
  }
}

/** Nobody mends more in one go. */
const MOST_COMPLAINTS = 50

async function visited(
  host: Host,
  words: DoctorWords,
  { interruption, stand, events }: Terminal,
): Promise<Checkup['host']> {
  await askForAccess([host], words)
  const onStage = (stage: Stage) => {
    const reading = stage === 'reading'
    const most = reading ? LONGEST_SECONDS.reading : LONGEST_SECONDS.way(host)
    stand([visible(`${host.name}: ${reading ? 'looking around' : 'on the way in'}, for ${most} s at most`)])
    events?.tell({ event: 'stage', phase: 'doctor', host: host.name, stage })
  }
  try {
    return { name: host.name, checks: await doctorHost(host, { signal: interruption.signal, onStage }) }
  } finally {
    stand([])
  }
}

/** What is asked for and not followed, and what was taken in its place. */
function toldOfTheWay(): readonly string[] {
  return notes.take().map(({ note, hosts }) => visible(`${listed(hosts, 5)}: ${note}`))
}

function othersLeft(others: number): readonly string[] {
  if (others === 0) return []
  const what = others === 1 ? 'The other host was' : `The other ${others} hosts were`
  return ['', `${what} not looked at: ctfleet doctor --limit HOST looks at one, ctfleet facts at all.`]
}

function furtherOn({ host }: Checkup, inventory: string | null): readonly string[] {
  if (host === null || host.checks.some(({ standing }) => standing === 'failed')) return []
  return ['', visible(`Next: ${remedyFor(EXPLAIN, host.name, inventory)}`)]
}
