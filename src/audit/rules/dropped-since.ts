import { counted, duration, grouped } from '../../diagnosis/numbers.ts'
import type { Facts } from '../../model/facts.ts'
import type { Sample } from '../../model/history.ts'
import { type AuditRule, type Earlier, EXPLAIN, type Look, PLAN, tracks } from '../audit-rule.ts'
import { lossBetween } from '../loss-between.ts'
import { sampleOf } from '../sample.ts'

/** The counters of the kernel run on between two audits: what was lost at night is in them. */
export const droppedSince: AuditRule = {
  id: 'dropped-since',
  severity: 'warning',
  summary: 'packets that were dropped for want of room since the host was last looked at',
  judge: ({ facts, earlier, choice, locked }) => {
    if (earlier === null || !tracks(facts)) return []
    const { sample, seconds } = earlier
    const now = sampleOf(facts, sample)
    const loss = lossBetween(sample, now)
    const remedy = remedyOf({ choice, locked })
    if (!loss.known) return isRestarted(earlier, facts) ? restarted(earlier, now, remedy) : []
    if (loss.value === 0) return []
    return [
      {
        title: `${counted(loss.value, 'packet', 'packets')} dropped since it was last looked at, ${duration(seconds)} ago${rate(loss.value, seconds)}`,
        evidence: [`drop: ${grouped(sample.drops ?? 0)} at ${minute(sample.at)}, ${grouped(now.drops ?? 0)} now`],
        threshold: 'one packet since then',
        remedy,
      },
    ]
  },
}

function isRestarted({ sample }: Earlier, { system: { bootId } }: Facts): boolean {
  return sample.boot !== null && bootId.known && bootId.value !== sample.boot
}

/** What its counters have is of this boot; of the time before that, nobody can tell any more. */
function restarted({ sample, seconds }: Earlier, now: Sample, remedy: string): ReturnType<AuditRule['judge']> {
  const untold = `what was lost between ${minute(sample.at)} and its restart cannot be told: its counters began anew`
  const loss = lossBetween({ boot: now.boot, drops: 0, insertFailed: 0 }, now)
  const lost = loss.known ? loss.value : 0
  const isLost = lost > 0
  return [
    {
      severity: isLost ? 'warning' : 'info',
      title: isLost
        ? `at least ${counted(lost, 'packet', 'packets')} dropped since it was last looked at, ${duration(seconds)} ago`
        : `cannot tell how many packets were dropped since it was last looked at, ${duration(seconds)} ago`,
      evidence: ['it was restarted meanwhile', untold],
      threshold: 'one packet since then',
      remedy: isLost ? remedy : EXPLAIN,
    },
  ]
}

function rate(packets: number, seconds: number): string {
  if (seconds <= 0) return ''
  const hourly = (packets / seconds) * 3600
  return `, ${hourly < 10 ? grouped(Math.round(hourly * 10) / 10) : grouped(Math.round(hourly))} an hour`
}

function minute(time: string): string {
  return `${time.slice(0, 16).replace('T', ' ')} UTC`
}

function remedyOf({ choice, locked }: Pick<Look, 'choice' | 'locked'>): string {
  if (locked !== null) return locked.next
  return choice.type === 'chosen' ? PLAN : EXPLAIN
}
