import { createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ReadStream, WriteStream } from 'node:tty'
import { runPhase } from '../../src/cli/fleet-phase.ts'
import { openTerminal, type Terminal } from '../../src/cli/terminal.ts'
import { DEFAULT_THRESHOLDS } from '../../src/diagnosis/thresholds.ts'
import { parseFacts } from '../../src/facts/catalog.ts'
import type { Stage } from '../../src/model/event.ts'
import type { HostResult } from '../../src/model/result.ts'
import { loadPlaybooks } from '../../src/playbook/load.ts'
import { runFleet } from '../../src/run/fleet.ts'
import { judgeHost } from '../../src/run/judge-host.ts'
import type { Telling } from '../../src/run/story.ts'
import { STEP_KINDS } from '../../src/steps/catalog.ts'
import { NONCE, recordedAnswers } from '../facts/answers.ts'

/**
 * What progress and events of a phase cost. `progressMs`: CPU beyond that of the same phase which nobody watches; `hostMs`: CPU of
 * reading and judging the recorded answer of one host, to which its SSH comes in a run;
 * `worstDelayMs`: the longest that the event loop stood still; `unwatchedDelayMs`: the same of the phase that nobody
 * watches, by which the machine itself is late.
 */
export type ProgressCost = {
  readonly hosts: number
  readonly seconds: number
  readonly progressMs: number
  readonly hostMs: number
  readonly worstDelayMs: number
  readonly unwatchedDelayMs: number
}

const PARALLEL = 100
const STAGES: readonly Stage[] = ['connecting', 'reading', 'planning', 'checking']

/** @param seconds about how long the phase takes; hosts wait most of it, as those on a network do */
export async function progressCost(hosts: number, seconds: number): Promise<ProgressCost> {
  const waitMs = (seconds * 1000 * PARALLEL) / (hosts * STAGES.length)
  const fleet = Array.from({ length: hosts }, (_, at) => ({ name: `web-${at}.example.com`, groups: ['web'] }))
  const story = storyOf(waitMs)
  const signal = new AbortController().signal
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const unwatched = await cpuOf(async () => {
    const bug = (host: { name: string }): HostResult => ({ host: host.name, status: 'not-reached', why: 'a bug' })
    await runFleet(fleet, { parallel: PARALLEL, signal, onStage: () => undefined }, story, bug)
  })
  const dir = mkdtempSync(join(tmpdir(), 'ctfleet-bench-'))
  const unwatchedDelayMs = delay.max / 1e6
  delay.reset()
  try {
    const terminal = aTerminal(signal)
    await terminal.events?.open(join(dir, 'events.jsonl'))
    const watched = await cpuOf(async () => {
      await runPhase({ title: 'Planning', hosts: fleet, parallel: PARALLEL, story, onLeaving: [] }, terminal)
      await terminal.events?.close()
    })
    delay.disable()
    return {
      hosts,
      seconds: watched.wallMs / 1000,
      progressMs: Math.max(0, watched.cpuMs - unwatched.cpuMs),
      hostMs: hostCost(),
      worstDelayMs: delay.max / 1e6,
      unwatchedDelayMs,
    }
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/** One host in five fails: each of those is a line that stays. */
function storyOf(waitMs: number) {
  return async ({ name }: { readonly name: string }, { onStage }: Telling): Promise<HostResult> => {
    for (const stage of STAGES) {
      onStage(stage)
      await sleep(waitMs)
    }
    if (!/[05]\./.test(name)) return { host: name, status: 'healthy', findings: [], considered: [] }
    const message = `no answer from ${name} port 22 in 5 tries: it is down, or a firewall drops what we send`
    return { host: name, status: 'unreachable', fault: { code: 'connect-timed-out', message, next: 'try again' } }
  }
}

async function cpuOf(work: () => Promise<void>): Promise<{ readonly cpuMs: number; readonly wallMs: number }> {
  const before = process.cpuUsage()
  const startedAt = Date.now()
  await work()
  const { user, system } = process.cpuUsage(before)
  return { cpuMs: (user + system) / 1000, wallMs: Date.now() - startedAt }
}

function hostCost(): number {
  const recorded = recordedAnswers().find(({ system }) => system === 'debian-12-docker')
  if (recorded === undefined) throw new Error('there is no recorded answer')
  const { playbooks, wanted } = loadPlaybooks('auto', STEP_KINDS)
  const wish = { strategy: wanted, playbooks, ports: null, thresholds: DEFAULT_THRESHOLDS }
  const runs = 50
  const before = process.cpuUsage()
  for (let run = 0; run < runs; run++) judgeHost(parseFacts(recorded.answer, NONCE), wish)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / runs
}

/** A terminal of 120 columns that is always drawn on, and shows nothing. */
function aTerminal(signal: AbortSignal): Terminal {
  const nowhere = () => Object.assign(createWriteStream('/dev/null'), { isTTY: true, columns: 120 })
  const streams = {
    stdin: Object.assign(new PassThrough(), { isTTY: false }) as unknown as ReadStream,
    stdout: nowhere() as unknown as WriteStream,
    stderr: nowhere() as unknown as WriteStream,
  }
  return openTerminal(streams, {}, () => ({ signal, stop: () => undefined, adviseOnLeaving: () => undefined }))
}

export function progressText(cost: ProgressCost): string {
  const { hosts, seconds, progressMs, hostMs, worstDelayMs, unwatchedDelayMs } = cost
  const share = (100 * progressMs) / (progressMs + hosts * hostMs)
  return `${[
    `Progress and events of ${hosts} hosts in ${seconds.toFixed(0)} s, drawn ten times a second, Node ${process.version}`,
    `CPU: ${progressMs.toFixed(0)} ms, ${(progressMs / seconds / 10).toFixed(1)} % of a core`,
    `Reading and judging facts: ${hostMs.toFixed(1)} ms a host, SSH not counted; progress is ${share.toFixed(1)} % of both together`,
    `The event loop stood still for at most ${worstDelayMs.toFixed(0)} ms, and without progress for ${unwatchedDelayMs.toFixed(0)} ms`,
  ].join('\n')}\n`
}
