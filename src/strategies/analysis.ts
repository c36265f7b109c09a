import type { LiveRules } from '../firewall/rules.ts'
import type { Facts } from '../model/facts.ts'
import type { Reading } from '../model/reading.ts'
import { liveRules } from './live-rules.ts'
import { analyseNotrack, type NotrackAnalysis, type Service } from './notrack-analysis.ts'
import { analysePersist, type PersistAnalysis } from './persist-analysis.ts'
import { analyseTune, type TuneAnalysis } from './tune-analysis.ts'
import { analyseUnload, type UnloadAnalysis } from './unload-analysis.ts'

/** What playbooks see as `analysis`, with the chains that its verdicts rest on; the plan binds itself to those. */
export type Analysis = {
  readonly unload: UnloadAnalysis
  readonly notrack: NotrackAnalysis
  readonly tune: TuneAnalysis
  readonly persist: PersistAnalysis
  /** What all of these were worked out from. */
  readonly live: Reading<readonly LiveRules[]>
}

/** @param ports the operator's own choice; null: chosen from who fills the table and who listens. */
export function analyse(facts: Facts, ports: readonly Service[] | null): Analysis {
  const live = liveRules(facts)
  const unload = analyseUnload(facts, live)
  const notrack = analyseNotrack(facts, live, ports)
  return { unload, notrack, tune: analyseTune(facts), persist: analysePersist(facts, live, { unload, notrack }), live }
}
