import { bytes, counted, duration, grouped } from '../../diagnosis/numbers.ts'
import { type AuditRule, sysctlName, tracks, tuneRemedy } from '../audit-rule.ts'

/** A table that may grow larger than memory can spare takes the host down with it. */
export const maxAboveMemory: AuditRule = {
  id: 'max-above-memory',
  severity: 'warning',
  summary: 'a max whose full table memory cannot spare',
  judge: ({ facts, analysis: { tune } }) => {
    const { max, maxWritable } = facts.conntrack
    // Elsewhere the memory is the node's, and so is the table.
    if (!tracks(facts) || (maxWritable.known && !maxWritable.value)) return []
    if (!maxWritable.known) return [{ untold: 'whether memory holds a full table', why: maxWritable.why }]
    if (!max.known) return [{ untold: 'whether memory holds a full table', why: max.why }]
    if (!tune.fits.known) return [{ untold: 'whether memory holds a full table', why: tune.fits.why }]
    if (max.value <= tune.fits.value) return []
    const { total } = facts.memory
    return [
      {
        title: `max is ${counted(max.value, 'entry', 'entries')}, and memory can spare ${grouped(tune.fits.value)}`,
        evidence: [
          `a full table takes ${bytes(max.value * tune.entryBytes)} (${tune.entryBytes} B an entry${tune.entryBytesMeasured ? '' : ', a large one, as the kernel does not tell'}); ${tune.availableText}${total.known ? ` of ${bytes(total.value)}` : ''}`,
        ],
        threshold: 'half of what is available and of what the table holds already',
        remedy: `as root: sysctl -w ${sysctlName(facts, 'max')}=${tune.fits.value}; or track less: ctfleet explain --limit HOST`,
      },
    ]
  },
}

/** Entries of connections that are gone stay for as long; where the table is nearly full that is why. */
export const longTimeouts: AuditRule = {
  id: 'long-timeouts',
  severity: 'info',
  summary: 'timeouts that hold entries for days',
  judge: ({ facts, findings, analysis: { tune }, thresholds: { longTimeout, fewestEntries } }) => {
    const { timeouts, count } = facts.conntrack
    if (!tracks(facts)) return []
    if (!timeouts.known) return [{ untold: 'how long entries are kept', why: timeouts.why }]
    const long = Object.entries(timeouts.value).filter(([, seconds]) => seconds > longTimeout)
    if (long.length === 0) return []
    const isTight = findings.some(({ rule }) => rule === 'near-full' || rule === 'dropping-now' || rule === 'evicting')
    return [
      {
        ...(isTight ? { severity: 'warning' } : {}),
        title: long.map(([key, seconds]) => `${key} is ${duration(seconds)}`).join(', '),
        evidence: tune.drainText === '' || (count.known && count.value < fewestEntries) ? [] : [tune.drainText],
        threshold: `more than ${duration(longTimeout)}`,
        remedy: tuneRemedy(facts),
      },
    ]
  },
}
