import type { Run, RunSummary } from '../model/run.ts'
import { asDone } from './backwards.ts'
import { type AuditToTell, auditReviewOf } from './catalog/audit-review.ts'
import { reviewOf } from './catalog/review.ts'
import type { Paper } from './format.ts'
import { auditHtml } from './html/audit.ts'
import { runHtml } from './html/run.ts'
import { auditJson, sinceJson } from './json/audit.ts'
import { leftOutJson } from './json/left-out.ts'
import { resultsJson } from './json/plan.ts'
import { jsonText } from './json/text.ts'
import { auditJunit } from './junit/audit.ts'
import { runJunit } from './junit/run.ts'
import { auditMarkdown } from './markdown/audit.ts'
import { runMarkdown } from './markdown/run.ts'
import { auditPrometheus } from './prometheus/audit.ts'
import { runPrometheus } from './prometheus/run.ts'
import { auditSarif } from './sarif/audit.ts'
import { baselineOf } from './sarif/baseline.ts'
import { auditText } from './text/audit.ts'
import { recordedHead } from './text/indicative.ts'
import { withLeftOut } from './text/left-out.ts'
import { planText } from './text/plan.ts'
import { resultText } from './text/result.ts'
import { runHeadText } from './text/run.ts'
import { sinceText } from './text/since.ts'

/** What a report of a run is made from: the run, and those that closed it or took it back, oldest first. */
export type Recorded = { readonly run: Run; readonly later: readonly RunSummary[] }

/** How a run can be told, and the ending of files that are so. */
export const REPORTS = {
  text: { ending: '.txt', write: (recorded, paper) => runText(recorded, paper) },
  json: { ending: '.json', write: (recorded) => jsonText(runJson(recorded)) },
  markdown: { ending: '.md', write: ({ run, later }) => runMarkdown(reviewOf(run, later)) },
  junit: { ending: '.xml', write: ({ run, later }) => runJunit(reviewOf(run, later)) },
  html: { ending: '.html', write: ({ run, later }) => runHtml(reviewOf(run, later)) },
  prometheus: { ending: '.prom', write: ({ run, later }) => runPrometheus(reviewOf(run, later)) },
} as const satisfies Formats<Recorded>

/** How an audit can be told, and the ending of files that are so. */
export const AUDIT_REPORTS = {
  text: { ending: '.txt', write: (audited, paper) => lined(auditedText(audited, paper)) },
  json: { ending: '.json', write: (audited) => jsonText(auditedJson(audited)) },
  junit: { ending: '.xml', write: (audited) => auditJunit(auditReviewOf(audited)) },
  sarif: { ending: '.sarif', write: (audited) => jsonText(auditedSarif(audited)) },
  markdown: { ending: '.md', write: (audited) => auditMarkdown(auditReviewOf(audited)) },
  html: { ending: '.html', write: (audited) => auditHtml(auditReviewOf(audited)) },
  prometheus: { ending: '.prom', write: (audited) => auditPrometheus(auditReviewOf(wholeOf(audited))) },
} as const satisfies Formats<AuditToTell>

export type ReportFormat = keyof typeof REPORTS
export type AuditFormat = keyof typeof AUDIT_REPORTS

type Formats<Told> = {
  readonly [format: string]: {
    readonly ending: string
    /** The whole report, its last newline included. */
    readonly write: (told: Told, paper: Paper) => string
  }
}

function runText({ run, later }: Recorded, paper: Paper): string {
  return lined([
    ...runHeadText(paper, run, later),
    '',
    ...planText(paper, asDone(run), 'full'),
    '',
    ...resultText(paper, run.results),
  ])
}

function lined(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}

/** The run as it is on record: what `show --format json` has, and `later`. */
function runJson({ run: { results, ...head }, later }: Recorded): object {
  return { ...head, ...resultsJson(results), run: head.id, later }
}

function auditedText({ report, made, typed, others, since }: AuditToTell, paper: Paper): readonly string[] {
  // Of what did not change nothing is told: a summary of the fleet would call it clean.
  const isNothing = since !== undefined && report.results.length === 0 && report.policy.length === 0
  const left = { results: report.results, ...(others ?? { leftOut: [], unsure: [] }) }
  return [
    ...(made.source === null ? [] : recordedHead(paper, made.source.takenAt)),
    ...(since === undefined ? [] : [...sinceText(paper, since), ...(isNothing ? [] : [''])]),
    ...(isNothing ? [] : withLeftOut(paper, left, () => auditText(paper, report, typed))),
  ]
}

/** What is left out of a list of results counts as mended, and a series that ends as an alarm that is over. */
function wholeOf(audited: AuditToTell): AuditToTell {
  return audited.since === undefined ? audited : { ...audited, report: audited.since.whole }
}

function auditedSarif(audited: AuditToTell): object {
  const { since, tool } = audited
  return auditSarif(auditReviewOf(wholeOf(audited)), tool, since === undefined ? null : baselineOf(since, since.whole))
}

function auditedJson({ report, made, typed, others, since }: AuditToTell): object {
  return {
    ...auditJson(report, made, typed),
    ...(since === undefined ? {} : { since: sinceJson(since, typed) }),
    ...(others === null ? {} : leftOutJson(others)),
  }
}
