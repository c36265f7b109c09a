import { counted } from '../../diagnosis/numbers.ts'
import { type AuditRule, tracks } from '../audit-rule.ts'

/** Where taking tracking away changes no packet's fate it only costs: memory, time on each packet, and one day a full table. */
export const trackingUnneeded: AuditRule = {
  id: 'tracking-unneeded',
  severity: 'info',
  summary: 'connection tracking that nothing needs',
  judge: ({ facts, choice, analysis: { unload } }) => {
    if (!tracks(facts)) return []
    const verdict = choice.considered.find(({ strategy }) => strategy === 'unload')
    if (verdict === undefined || verdict.verdict === 'ineligible') return []
    if (verdict.verdict === 'unsure') {
      return [{ untold: 'whether anything needs connection tracking', why: verdict.reasons.join('; ') }]
    }
    const { count } = facts.conntrack
    const rules = unload.edits.length
    return [
      {
        title: 'connections are tracked, and nothing needs it',
        evidence: [
          rules === 0
            ? 'no rule looks at the state of a connection'
            : `${counted(rules, 'rule looks', 'rules look')} at the state of connections, and no packet's fate depends on it`,
          ...(count.known ? [`the table holds ${counted(count.value, 'entry', 'entries')}`] : []),
        ],
        threshold: null,
        remedy: 'ctfleet plan --strategy unload --limit HOST',
      },
    ]
  },
}
