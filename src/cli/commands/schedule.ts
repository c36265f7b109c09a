import { homedir } from 'node:os'
import { join } from 'node:path'
import { quoted } from '../../input/complaint.ts'
import { visible } from '../../report/format.ts'
import { cronFileText, tooLong } from '../../serve/cron-table.ts'
import type { Job } from '../../serve/job.ts'
import { cronTimes, onCalendar } from '../../serve/on-calendar.ts'
import { type Installed, installedIn, type Places, placesOf, type Wanted } from '../../serve/places.ts'
import { serviceText, timerText } from '../../serve/units.ts'
import { checkAll, complainAbout } from '../checks.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { checkAsksNobody, checkCanLogIn, type JobWords, jobFrom } from '../schedule-job.ts'
import { checkServiceMay } from '../schedule-rights.ts'
import { changeTable, installedInTable, tableNow } from '../schedule-table.ts'
import { type Command, carryOut, type Sure } from '../schedule-work.ts'
import { inZone } from '../schedule-zone.ts'
import { targetsFrom } from '../targets.ts'
import type { Terminal } from '../terminal.ts'
import { notifyFrom, type ScheduleWords, scheduleFrom } from '../watch-words.ts'

type Where = { readonly own?: boolean | undefined; readonly root: string }
export type InstallWords = JobWords & ScheduleWords & Where & Sure

/** Writes a timer and a service, or a line for cron, after a yes. */
export async function installCommand(words: InstallWords, terminal: Terminal): Promise<ExitCode> {
  checkAsksNobody(words)
  // The agent of whoever types this is not there at night.
  delete process.env.SSH_AUTH_SOCK
  const { planned, notify, targets } = await checkAll({
    planned: () => scheduleFrom(words),
    notify: () => notifyFrom(words),
    targets: () => targetsFrom(words),
  })
  await checkCanLogIn(targets.hosts)
  const { schedule } = planned
  const places = placesFor(words)
  const isUsers = words.own === true
  const job = jobFrom(words, schedule, { hosts: targets.hosts, notify, isUsers })
  if (places.runner === 'cron') checkFitsCron(job)
  // What is posted to is often a secret by itself, and others may read units.
  const mode = words.webhook === undefined ? 0o644 : 0o600
  if (places.runner === 'cron' && isUsers)
    return await changeTable(usersTable(), { job, times: cronLine(schedule.when) }, words, terminal)
  const wanted = filesFor(job, schedule.when, places).map((file) => ({ ...file, mode }))
  const isSystemd = places.runner === 'systemd'
  if (isSystemd && words.root === '/') checkServiceMay(job)
  const timer = `ctfleet-${job.name}.timer`
  const toSystemd = (...all: readonly (readonly string[])[]) =>
    isSystemd ? all.map((each) => systemctl(isUsers, each)) : []
  const running = toSystemd(['is-enabled', '--quiet', timer], ['is-active', '--quiet', timer])
  const commands = toSystemd(['daemon-reload'], ['enable', '--now', timer])
  const after =
    isUsers && isSystemd ? ['It runs while you are logged in; to go on after that: loginctl enable-linger'] : []
  const question = `Write this, and audit by ${places.runner}?`
  const directories = [job.state, ...job.writes]
  return await carryOut({ wanted, running, commands, after, question, directories }, words, terminal)
}

/** Takes away what `install` wrote, after a yes. */
export async function removeCommand(name: string, words: Where & Sure, terminal: Terminal): Promise<ExitCode> {
  const places = placesOf(words.root, words.own === true ? { config: configHome() } : null)
  checkMayWrite(words)
  // What a cron ran that is gone since can be taken away too.
  if (places.runner !== 'systemd' && words.own === true) {
    const table = usersTable()
    const names = installedInTable(table).map((each) => each.name)
    if (!names.includes(name)) throw noSuch(name, names, words)
    return await changeTable(table, { job: { name }, times: null }, words, terminal)
  }
  const all = installedIn(places)
  const found = all.find((each) => each.name === name)
  if (found === undefined)
    throw noSuch(
      name,
      all.map((each) => each.name),
      words,
    )
  const wanted = found.files.map(({ path }): Wanted => ({ path, text: null, mode: 0o644 }))
  const isSystemd = places.runner === 'systemd'
  const before = isSystemd ? [systemctl(words.own === true, ['disable', '--now', `ctfleet-${name}.timer`])] : []
  const commands = isSystemd ? [systemctl(words.own === true, ['daemon-reload'])] : []
  return await carryOut({ wanted, before, commands, after: [], question: 'Take this away?' }, words, terminal)
}

/** Lists what `install` wrote. @throws InputError once the rest is listed, where the user's own table cannot be read. */
export function listCommand(words: Where, terminal: Terminal): ExitCode {
  const machines = installedIn(placesOf(words.root, null))
  const yours = placesOf(words.root, { config: configHome() })
  if (yours.runner === 'systemd') return listed(machines, installedIn(yours), terminal)
  let table: string | null
  try {
    table = tableNow()
  } catch (error) {
    if (machines.length > 0) listed(machines, [], terminal)
    throw error
  }
  return listed(machines, installedInTable(table ?? ''), terminal)
}

function listed(machines: readonly Installed[], yours: readonly Installed[], { print }: Terminal): ExitCode {
  const all = [
    ...machines.map((each) => ({ ...each, whose: 'of the machine' })),
    ...yours.map((each) => ({ ...each, whose: 'your own' })),
  ]
  if (all.length === 0) print(['Nothing is scheduled. To begin: ctfleet schedule install --every 6h'])
  for (const { name, files, whose } of all) {
    const when = files.flatMap(({ text }) => text.split('\n').flatMap(timesOn))
    print([
      `${visible(name)}  ${visible(when.join('; '))}  (${whose})`,
      ...files.map(({ path }) => `  ${visible(path)}`),
    ])
  }
  return EXIT.asWanted
}

function checkMayWrite({ own, root }: Where): void {
  if (own !== true && root === '/' && process.getuid?.() !== 0)
    throw complainAbout(
      'schedule',
      'only root writes what runs for the whole machine',
      'with sudo; or --own, for a schedule of your own',
    )
}

function placesFor(words: Where): Places & { readonly runner: 'systemd' | 'cron' } {
  checkMayWrite(words)
  const { own, root } = words
  const { runner, folder } = placesOf(root, own === true ? { config: configHome() } : null)
  switch (runner) {
    case 'systemd':
    case 'cron':
      return { runner, folder }
    case 'busybox':
      throw complainAbout(
        'schedule',
        'the cron of this machine is that of BusyBox, which does not read /etc/cron.d',
        '--own, for a line in your own table, which it reads',
      )
    case 'none':
      throw complainAbout('schedule', 'this machine has neither systemd nor a cron daemon', INSTEAD)
  }
}

const INSTEAD = 'install cron; or have ctfleet serve --every 6h started at boot, as other services of this machine are'

function configHome(): string {
  return process.env.XDG_CONFIG_HOME ?? join(homedir(), '.config')
}

function filesFor(
  job: Job,
  when: Parameters<typeof onCalendar>[0],
  { runner, folder }: Places,
): readonly Omit<Wanted, 'mode'>[] {
  const file = (ending: string) => join(folder, `ctfleet-${job.name}${ending}`)
  if (runner === 'cron') return [{ path: file(''), text: cronFileText(job, cronLine(when)) }]
  const calendar = onCalendar(when)
  if ('problem' in calendar) throw unsaid(calendar.problem)
  return [
    { path: file('.service'), text: serviceText(job) },
    { path: file('.timer'), text: timerText(job, calendar) },
  ]
}

function cronLine(when: Parameters<typeof cronTimes>[0]): string {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const times = cronTimes(when, zone)
  if (typeof times === 'string') return times
  throw complainAbout('schedule', times.problem, inZone(when, zone) ?? OTHERWISE)
}

function checkFitsCron(job: Job): void {
  const bytes = tooLong(job)
  if (bytes !== null) throw unsaid(`the line for cron has ${bytes} characters, and cron takes 998`)
}

const OTHERWISE = 'write it otherwise; or let ctfleet serve keep the time'

function unsaid(problem: string) {
  return complainAbout('schedule', problem, OTHERWISE)
}

function noSuch(name: string, names: readonly string[], { own }: Where) {
  const there = names.length === 0 ? 'there is none' : `there are: ${names.join(', ')}`
  return complainAbout(
    'schedule',
    `${quoted(name)} is not installed; ${there}`,
    own === true ? null : 'one of your own: --own',
  )
}

/** When it is due, from a line of a timer or of cron. */
function timesOn(line: string): readonly string[] {
  const [, calendar, cron] = /^(?:OnCalendar=(.*)|([\d*]\S*(?: \S+){4}) .*)$/.exec(line) ?? []
  const found = calendar ?? cron
  return found === undefined ? [] : [found]
}

function usersTable(): string {
  const table = tableNow()
  if (table !== null) return table
  throw complainAbout('schedule', 'this machine has no crontab command, so there is no table of yours', INSTEAD)
}

function systemctl(isUsers: boolean, words: readonly string[]): Command {
  return ['systemctl', ...(isUsers ? ['--user'] : []), ...words]
}
