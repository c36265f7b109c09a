import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { quoted } from '../input/complaint.ts'
import type { Schedule, Times, When } from '../model/schedule.ts'
import { timesOf } from '../serve/cron.ts'
import type { NotifyCommand } from '../serve/notify-command.ts'
import { type Address, isLoopback } from '../serve/pages.ts'
import { isName, usualName } from '../serve/settings.ts'
import { mayGoTo, type Webhook } from '../serve/webhook.ts'
import { KEPT_DAYS } from '../store/retention.ts'
import { secondsFrom } from './arguments.ts'
import { checkAll, complainAbout } from './checks.ts'
import { inventoryName } from './history.ts'
import { readSecret } from './secret-source.ts'
import type { TargetWords } from './targets.ts'

/** When, as it was typed. */
export type WhenWords = {
  readonly every?: string | undefined
  readonly cron?: string | undefined
  readonly timezone?: string | undefined
}

/** Who is told, as it was typed. */
export type NotifyWords = {
  readonly notifyCommand?: string | undefined
  readonly webhook?: string | undefined
  readonly webhookSecretFile?: string | undefined
  readonly webhookInsecure?: boolean | undefined
}

export type ScheduleWords = WhenWords & {
  readonly name?: string | undefined
  readonly jitter?: string | undefined
  /** commander's form of `--no-catch-up`. */
  readonly catchUp?: boolean | undefined
}

/** @throws InputError with every mistake. */
export async function scheduleFrom(
  words: ScheduleWords & TargetWords & { readonly policy?: string | undefined },
): Promise<{ readonly schedule: Schedule; readonly times: Times }> {
  const { when, name, jitter } = await checkAll({
    when: () => whenFrom(words),
    name: () => nameFrom(words),
    jitter: () => (words.jitter === undefined ? 0 : secondsFrom('--jitter', words.jitter, { least: 0, most: 86_400 })),
  })
  const times = knownTimes(when)
  const first = times.next(Date.now())
  const second = first === null ? null : times.next(first)
  if (first !== null && second !== null && jitter * 1000 >= second - first) {
    const gap = `${(second - first) / 1000}s`
    throw complainAbout('--jitter', `${words.jitter} is no less than the time between two audits, ${gap}`)
  }
  return { schedule: { name, when, jitter, catchUp: words.catchUp !== false }, times }
}

/** Milliseconds between two audits below which that is worth a word. */
const OFTEN = 60_000

/** @returns a sentence where hosts are asked more often than anybody needs; else null. */
export function oftenWords(when: When): string | null {
  const every = 'every' in when ? when.every * 1000 : null
  if (every === null || every >= OFTEN) return null
  return `an audit every ${every / 1000} s is hard on hosts, and each stays on record for ${KEPT_DAYS.audits} days; every 5m is often enough to see a table fill up`
}

const EXAMPLE = "--every 6h, or --cron '30 2 * * *' --timezone Europe/Berlin"

/** @throws InputError for none, for both, and for what is never due. */
function whenFrom({ every, cron, timezone }: WhenWords): When {
  if (every !== undefined && cron !== undefined) throw complainAbout('--every', 'and --cron is given too', 'give one')
  if (every !== undefined) {
    if (timezone !== undefined) throw complainAbout('--timezone', 'goes with --cron: --every counts in UTC', EXAMPLE)
    return { every: secondsFrom('--every', every, { least: 10, most: 31 * 86_400 }) }
  }
  if (cron === undefined) throw complainAbout('--every', 'nothing says when', EXAMPLE)
  const when = { cron, timezone: timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone }
  knownTimes(when)
  return when
}

function knownTimes(when: When): Times {
  const times = timesOf(when)
  if (!('problem' in times)) return times
  const expression = 'cron' in when ? when.cron : ''
  const zone = 'timezone' in when ? ` in ${quoted(when.timezone)}` : ''
  const hint = 'minute, hour, day of month, month, day of week: --cron "30 2 * * MON-FRI" --timezone Europe/Berlin'
  throw complainAbout('--cron', `${quoted(expression)}${zone}: ${times.problem}`, hint)
}

function nameFrom({ name, ...words }: ScheduleWords & TargetWords & { readonly policy?: string | undefined }): string {
  if (name === undefined) {
    const { limit = '', policy } = words
    return usualName(inventoryName(words), [limit, policy === undefined ? '' : resolve(policy)])
  }
  if (isName(name)) return name
  throw complainAbout('--name', `${quoted(name)} is no name of a schedule`, 'up to 48 small letters, digits and dashes')
}

export type Notify =
  | { readonly by: 'command'; readonly command: NotifyCommand; readonly name: string }
  | { readonly by: 'webhook'; readonly webhook: Webhook; readonly name: string }

/** @throws InputError with every mistake; null where nobody is to be told. */
export async function notifyFrom(words: NotifyWords): Promise<Notify | null> {
  const { notifyCommand, webhook, webhookSecretFile, webhookInsecure } = words
  if (notifyCommand !== undefined && webhook !== undefined)
    throw complainAbout('--notify-command', 'and --webhook is given too', 'give one; a command can call others')
  if (webhook === undefined && (webhookSecretFile !== undefined || webhookInsecure === true))
    throw complainAbout('--webhook', 'is not given, and says where to send it')
  if (notifyCommand !== undefined) return commandFrom(notifyCommand)
  if (webhook === undefined) return null
  const { url, secret } = await checkAll({
    url: () => urlFrom(webhook, webhookInsecure === true),
    secret: async () => {
      if (webhookSecretFile !== undefined) return await readSecret('--webhook-secret-file', webhookSecretFile)
      const hint = 'openssl rand -hex 32 > hook.secret; chmod 600 hook.secret; --webhook-secret-file hook.secret'
      throw complainAbout('--webhook-secret-file', 'what is sent is signed, and nothing says with what', hint)
    },
  })
  // The rest of it is often a secret by itself.
  return { by: 'webhook', webhook: { url, secret }, name: `the webhook at ${url.host}` }
}

function commandFrom(text: string): Notify {
  const option = '--notify-command'
  const [, shell] = /^shell:(.*\S.*)$/s.exec(text) ?? []
  if (shell !== undefined) return { by: 'command', command: ['/bin/sh', '-c', shell], name: 'the notify command' }
  const path = text.includes('/') ? resolve(text) : inPath(text)
  const hint =
    'a program alone, which gets JSON on stdin; with words of its own: --notify-command "shell:PROGRAM WORDS"'
  if (path === null || !isProgram(path))
    throw complainAbout(option, `${quoted(text)} is no program that can be run`, hint)
  return { by: 'command', command: [path], name: path }
}

function inPath(name: string): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, name)).find(isProgram) ?? null
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function urlFrom(text: string, isInsecureFine: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol))
    throw complainAbout(
      '--webhook',
      'this is no address of a web server',
      '--webhook https://alerts.example.com/ctfleet',
    )
  if (url.username !== '' || url.password !== '')
    throw complainAbout(
      '--webhook',
      'it holds a password, which everybody can see here',
      'what is sent is signed instead',
    )
  if (mayGoTo(url, isInsecureFine)) return url
  throw complainAbout(
    '--webhook',
    `by http, everybody on the way to ${url.host} can read it`,
    'use https; or --webhook-insecure, where that is fine',
  )
}

/** `127.0.0.1:9477`, `[::1]:9477`, or `none`; and whether others can reach it. */
export function listenFrom(text: string): { readonly listen: Address | null; readonly isOpen: boolean } {
  if (text === 'none') return { listen: null, isOpen: false }
  const [, six, four, digits = ''] = /^(?:\[([\da-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(text.trim()) ?? []
  const host = six ?? four
  const port = digits === '' ? Number.NaN : Number(digits)
  if (host === undefined || !(port <= 65_535))
    throw complainAbout('--listen', `${quoted(text)} is no address and port`, '--listen 127.0.0.1:9477, or none')
  return { listen: { host, port }, isOpen: !isLoopback(host) }
}
