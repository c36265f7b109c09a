// Relieves hosts whose table is near full, as a program of one's own would: look, plan, say yes by a rule, tell how it ended.
//   npx tsc --strict --target es2023 --module nodenext --types node relieve.ts
//   node relieve.js inventory.yaml web
// Its package.json has "type": "module".
import { apply, audit, type FleetEvent, InputError, type Plan, plan } from 'ctfleet'

const [inventory = 'inventory.yaml', limit = 'all'] = process.argv.slice(2)

// Ctrl-C: no further host begins; those at work go on to their end, or take their change back.
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())

try {
  process.exitCode = await relieve()
} catch (error) {
  // Mistakes in the inventory or the options, all of them at once. No host was contacted.
  if (!(error instanceof InputError)) throw error
  for (const { file, line, message, hint } of error.complaints) {
    console.error(`${file}${line === null ? '' : `:${line}`}: ${message}${hint === null ? '' : ` (${hint})`}`)
  }
  process.exitCode = 2
}

async function relieve(): Promise<number> {
  const where = { inventory, limit, signal: stop.signal }

  const { report } = await audit(where)
  for (const result of report.results) {
    if (result.status !== 'audited') console.log(`${result.host}: ${result.status}`)
    else for (const { severity, title } of result.findings) console.log(`${result.host}: ${severity}: ${title}`)
  }

  const planned = await plan({ ...where, onEvent: tell })
  const ended = await apply({ ...where, planned, approve: byRule, onEvent: tell })

  for (const result of ended.results) {
    const { host, status } = result
    console.log(`${host}: ${status}${'fault' in result && result.fault ? `: ${result.fault.message}` : ''}`)
  }
  console.log(`run ${ended.run}; to take it back: ctfleet rollback ${ended.run}`)
  return ended.results.some(({ status }) => status === 'needs-hands') ? 3 : 0
}

/** Yes to what the team agreed on, and to nothing else. */
function byRule({ host, strategy, changes }: Plan): 'yes' | 'no' {
  const isAgreed = strategy === 'notrack' || strategy === 'tune'
  const touchesModules = changes.some(({ kind }) => kind === 'kernel-modules')
  console.log(`${host.name}: ${strategy}, ${changes.length} changes: ${isAgreed && !touchesModules ? 'yes' : 'no'}`)
  return isAgreed && !touchesModules ? 'yes' : 'no'
}

function tell(event: FleetEvent): void {
  if (event.event === 'phase-ended') console.log(`${event.phase}:`, JSON.stringify(event.counts))
}
