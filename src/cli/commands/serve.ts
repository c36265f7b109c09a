import { randomBytes } from 'node:crypto'
import { homedir, hostname } from 'node:os'
import { parsePolicy } from '../../audit/parse-policy.ts'
import { DEFAULT_POLICY } from '../../audit/policy.ts'
import { readTextFile } from '../../input/text-file.ts'
import { conductFor } from '../../library/following.ts'
import type { FleetEvent } from '../../model/event.ts'
import type { Host } from '../../model/host.ts'
import { loadPlaybooks } from '../../playbook/load.ts'
import { visible } from '../../report/format.ts'
import { jsonText } from '../../report/json/text.ts'
import { appliedLast } from '../../run/applied-last.ts'
import { auditTargets } from '../../run/audit-fleet.ts'
import { requester } from '../../run/requester.ts'
import { newSampler } from '../../run/sampling.ts'
import type { World } from '../../serve/drive.ts'
import { notifyByCommand } from '../../serve/notify-command.ts'
import { serveOnce } from '../../serve/once.ts'
import { type Service, serve } from '../../serve/serve.ts'
import { rulesOf } from '../../serve/settings.ts'
import { notifyByWebhook } from '../../serve/webhook.ts'
import { STEP_KINDS } from '../../steps/catalog.ts'
import { databaseStore } from '../../store/database.ts'
import { historyDatabase } from '../../store/history-database.ts'
import { newRunId } from '../../store/run-id.ts'
import { stateDirectory } from '../../store/state-directory.ts'
import { notes } from '../../transport/notes.ts'
import { askForAccess } from '../access.ts'
import { secondsFrom } from '../arguments.ts'
import { checkAll, complainAbout } from '../checks.ts'
import { EXIT, type ExitCode, exitCodeOfAuditing, exitCodeOfWatching } from '../exit-code.ts'
import { seriesOf } from '../history.ts'
import { stoppingSignals } from '../interruption.ts'
import { forksFrom, READING } from '../parallel.ts'
import { kept } from '../state.ts'
import { type TargetWords, targetsFrom } from '../targets.ts'
import type { Terminal } from '../terminal.ts'
import { newsLine } from '../watch-news.ts'
import {
  listenFrom,
  type Notify,
  type NotifyWords,
  notifyFrom,
  oftenWords,
  type ScheduleWords,
  scheduleFrom,
} from '../watch-words.ts'

export type ServeWords = TargetWords &
  ScheduleWords &
  NotifyWords & {
    readonly policy?: string | undefined
    readonly forks?: string | undefined
    readonly drift?: boolean | undefined
    readonly listen: string
    readonly lease: string
    readonly once?: boolean | undefined
  }

/** Audits whenever it is time, until a signal ends it; with `--once` once, now. */
export async function serveCommand(words: ServeWords, terminal: Terminal): Promise<ExitCode> {
  const isOnce = words.once === true
  if (isOnce) checkSaysNotWhen(words)
  const { planned, notify, address, lease, ready } = await checkAll({
    planned: () => scheduleFrom(isOnce ? { ...words, every: '1d' } : words),
    notify: () => notifyFrom(words),
    address: () => listenFrom(words.listen),
    lease: () => secondsFrom('--lease', words.lease, { least: 3, most: 3600 }),
    // What would fail at night is said now.
    ready: () => readyFrom(words),
  })
  await askForAccess(ready.targets.hosts, words)
  const { schedule, times } = planned
  const log = (line: string) =>
    terminal.say([visible(`${new Date().toISOString().slice(0, 19)}Z ${schedule.name}: ${line}`)])
  const state = stateDirectory(process.env, homedir())
  const store = historyDatabase(state, log, { standstill: STANDSTILL })
  await kept(async () => await store.latest(schedule.name, new Date().toISOString()))
  const stopping = new AbortController()
  const audits = counting(auditing(words, state, terminal, log))
  const telling = notify === null ? null : counting(sending(notify, stopping.signal))
  const service: Service = {
    schedule: schedule.name,
    rules: rulesOf(schedule, times, hostname()),
    lease: lease * 1000,
    by: `${requester()} ${process.pid} ${randomBytes(4).toString('hex')}`,
    state,
    store,
    pagesStore: historyDatabase(state, log, { standstill: 0, patience: 1000 }),
    audit: audits.work,
    notify: telling?.work ?? null,
    listen: isOnce ? null : address.listen,
    tell: (news) => {
      const line = newsLine(news, notify?.name ?? 'nobody', isOnce)
      if (line !== null) log(line)
    },
  }
  if (!isOnce && address.isOpen)
    log(
      `${words.listen} can be reached from elsewhere: whoever can, reads the names of hosts and what is wrong with them`,
    )
  const often = isOnce ? null : oftenWords(schedule.when)
  if (often !== null) log(often)
  const leftBehind = () => [
    ...(audits.isUnderWay() ? ['the audit that is under way is given up'] : []),
    ...(notify?.by === 'command' && telling?.isUnderWay() ? [`${notify.name} is left time to end`] : []),
  ]
  const unwatch = stopAtSignals(stopping, leftBehind, log)
  try {
    if (isOnce) return await once(service, stopping.signal, log)
    const came = await serve(service, stopping.signal)
    if (came !== null) throw complainAbout('--listen', `${words.listen} ${came.problem}`, 'name another, or none')
    log('stopped')
    return EXIT.asWanted
  } finally {
    unwatch()
  }
}

/** Milliseconds that a statement waits by itself: hosts that are being asked stand still meanwhile. */
const STANDSTILL = 10

function checkSaysNotWhen({ every, cron }: ScheduleWords): void {
  const other = every !== undefined ? '--every' : cron !== undefined ? '--cron' : null
  if (other !== null) throw complainAbout('--once', `means now, and ${other} says when`, 'leave one of them out')
}

/** Knows whether some of it is under way. */
function counting<Given extends readonly unknown[], T>(work: (...given: Given) => Promise<T>) {
  let count = 0
  return {
    isUnderWay: () => count > 0,
    work: async (...given: Given): Promise<T> => {
      count++
      try {
        return await work(...given)
      } finally {
        count--
      }
    },
  }
}

async function once(service: Service, signal: AbortSignal, log: (line: string) => void): Promise<ExitCode> {
  const came = await serveOnce(service, signal)
  if ('busy' in came) {
    log(`none is begun: the audit of ${came.busy.slice(0, 19)}Z is still under way`)
    return EXIT.asWanted
  }
  if ('failed' in came) {
    log(`no audit: ${came.failed}`)
    return signal.aborted ? EXIT.interrupted : EXIT.someFailed
  }
  const { report, due, startedAt } = came.audit
  const told = newsLine({ type: 'kept', due: Date.parse(due?.at ?? startedAt) }, '')
  if (told !== null) log(told)
  return exitCodeOfWatching(exitCodeOfAuditing(report, 'warning'), came.isUntold)
}

/** All that an audit rests on, read anew each time: an inventory that was changed counts from the next audit on. */
async function readyFrom(words: ServeWords) {
  return await checkAll({
    targets: () => targetsFrom(words),
    policy: () => (words.policy === undefined ? DEFAULT_POLICY : parsePolicy(readTextFile(words.policy), words.policy)),
    loaded: () => loadPlaybooks('auto', STEP_KINDS),
    parallel: () => forksFrom(words.forks, READING),
  })
}

function auditing(words: ServeWords, state: string, { events }: Terminal, log: (line: string) => void): World['audit'] {
  const onEvent = (event: FleetEvent) => events?.tell(event)
  const runs = databaseStore(state, log)
  const history = historyDatabase(state, log)
  return async (due, signal) => {
    const startedAt = new Date()
    const series = seriesOf(words)
    const sampler = newSampler(series.inventory)
    const before = await history.lastSamples(series.inventory)
    const { targets, policy, loaded, parallel } = await readyFrom(words)
    const applied = words.drift === false ? null : async (hosts: readonly Host[]) => await appliedLast(runs, hosts)
    const earlier = new Map(before.map((sample) => [sample.host, sample]))
    const audit = { policy, playbooks: loaded.playbooks, where: null, earlier }
    const conduct = sampler.over(conductFor({ signal, onEvent }))
    const { report } = await auditTargets(targets, { audit, parallel, applied }, conduct)
    if (signal.aborted) throw new Error('it was stopped')
    for (const { note, hosts } of notes.take()) log(`${hosts.slice(0, 5).join(', ')}: ${note}`)
    return {
      audit: {
        id: newRunId(startedAt),
        startedAt: startedAt.toISOString(),
        endedAt: new Date().toISOString(),
        by: requester(),
        ...series,
        due,
        report,
      },
      samples: sampler.taken(),
    }
  }
}

function sending(notify: Notify, signal: AbortSignal): NonNullable<Service['notify']> {
  return async (notice) => {
    const body = jsonText(notice)
    return notify.by === 'command'
      ? await notifyByCommand(notify.command, body)
      : await notifyByWebhook(notify.webhook, { body, delivery: notice.audit }, signal)
  }
}

/** The first stops in good order; a second one ends it as it ends any program. */
function stopAtSignals(
  stopping: AbortController,
  leftBehind: () => readonly string[],
  log: (line: string) => void,
): () => void {
  const signals = stoppingSignals()
  const unwatch = () => {
    for (const name of signals) process.off(name, onSignal)
  }
  const onSignal = (name: string) => {
    unwatch()
    log([`${name}: stopping`, ...leftBehind()].join('; '))
    stopping.abort(new Error('stopped'))
  }
  for (const name of signals) process.on(name, onSignal)
  return unwatch
}
