import { homedir, hostname, userInfo } from 'node:os'
import { env } from 'node:process'
import type { Complaint } from '../input/complaint.ts'
import type { Host, InventoryHost, SshOption, SshWay } from '../model/host.ts'
import { type AskedHost, sshSettings } from './ssh-config.ts'
import { type ConfigFiles, configFilesHere } from './ssh-config-file.ts'
import type { Jump } from './ssh-config-jumps.ts'
import { placed } from './ssh-config-options.ts'
import type { ConfigWorld } from './ssh-config-tokens.ts'
import { readWay, type WayRead } from './ssh-config-way.ts'

/** What was typed about the way to hosts. */
export type WayWords = {
  /** Read in place of the user's ssh_config and the system's, where the inventory names no other; `none`: no file. */
  readonly sshConfig?: string | undefined
}

/** Hosts with all that is needed to reach them, or what is wrong with the way to some. */
export type Resolved = {
  readonly hosts: readonly Host[]
  readonly complaints: readonly Complaint[]
  /** What is asked for and not followed. */
  readonly notes: readonly { readonly host: string; readonly note: string }[]
}

/** What the inventory and ssh_config say of the way to each host, made whole; who is jumped through is a gateway. */
export async function resolveWays(hosts: readonly InventoryHost[], words: WayWords = {}): Promise<Resolved> {
  const atlas = newAtlas(configFilesHere(), worldHere())
  const complaints: Complaint[] = []
  const resolved = hosts.map((host) => {
    const found = wayTo(host, words, atlas)
    for (const each of found.complaints) complaints.push(each)
    return { host, found }
  })
  const gateways = new Set(
    resolved.flatMap(({ found }) => [...(found.host.jumps ?? []).map(gatewayKey), ...found.through]),
  )
  return {
    hosts: resolved.map(({ host, found }) =>
      gateways.has(gatewayKey(found.host)) || gateways.has(host.name) ? { ...found.host, gateway: true } : found.host,
    ),
    complaints: [...new Map(complaints.map((each) => [JSON.stringify(each), each])).values()],
    notes: resolved.flatMap(({ host, found }) => found.notes.map((note) => ({ host: host.name, note }))),
  }
}

/** As many hosts in between as a way may have. */
const MOST_JUMPS = 8

/** `through`: the hosts in between by the names that they were called by. */
type Found = Pick<WayRead, 'complaints' | 'notes'> & { readonly host: Host; readonly through: readonly string[] }

function wayTo(
  { sshOptions, sshConfigFile, unfollowed = [], ...host }: InventoryHost,
  words: WayWords,
  atlas: Atlas,
): Found {
  const isLocal = host.transport === 'local'
  const configFile = isLocal ? 'none' : (sshConfigFile ?? words.sshConfig)
  const asked: AskedHost = {
    name: host.address,
    options: sshOptions,
    origin: host.origin,
    ...(configFile === undefined ? {} : { configFile }),
  }
  const read = atlas.read(asked)
  const between = isLocal ? NOTHING : waysThrough(read.jumps, { asked, atlas, behind: [] })
  const ownFiles = sshOptions.some(({ keyword }) => keyword.toLowerCase() === 'userknownhostsfile')
  const jumps = between.ways.map((way) => ({
    ...way,
    // A file that the inventory names for a host is good for those before it too.
    ...(ownFiles ? { knownHostsFiles: [...new Set([...way.knownHostsFiles, ...read.way.knownHostsFiles])] } : {}),
  }))
  const helped = { ...read.way, ...opensshThrough(asked, read.way, jumps) }
  const transport = host.transport === 'ssh' && helped.whyOpenssh !== undefined ? 'openssh' : host.transport
  return {
    host: {
      ...host,
      ...helped,
      transport,
      ...(jumps.length === 0 ? {} : { jumps }),
    },
    complaints: withoutSecrets([...read.complaints, ...between.complaints], asked),
    notes: isLocal ? [] : [...unfollowed, ...read.notes],
    through: between.names,
  }
}

/** What came out of a vault is said in no complaint about it. */
function withoutSecrets(complaints: readonly Complaint[], { options, origin }: AskedHost): readonly Complaint[] {
  const secret = options.filter((option) => option.secret === true).map(({ at = origin }) => placed(at, ''))
  const hint = 'See what stands there: ansible-vault view'
  return complaints.map((each) =>
    secret.some(({ file, line, column }) => each.file === file && each.line === line && each.column === column)
      ? { ...each, message: 'is a secret that cannot be used here', hint }
      : each,
  )
}

/** What one of the hosts in between needs, the whole way needs. */
function opensshThrough(asked: AskedHost, way: SshWay, jumps: readonly SshWay[]): Partial<SshWay> {
  if (way.whyOpenssh !== undefined) return {}
  const needy = jumps.find(({ readBySsh }) => readBySsh !== undefined) ?? jumps.find((each) => each.whyOpenssh)
  if (needy?.whyOpenssh === undefined) return {}
  const whyOpenssh = `${needy.whyOpenssh}, for ${needy.address} in between`
  if (needy.readBySsh === undefined) return { whyOpenssh }
  const { name, configFile, options } = asked
  return {
    whyOpenssh,
    opensshOptions: options.map(({ keyword, value }) => `${keyword}=${value}`),
    readBySsh: { name, ...(configFile === undefined ? {} : { configFile }) },
  }
}

type Course = { readonly asked: AskedHost; readonly atlas: Atlas; readonly behind: readonly string[] }
type Between = {
  readonly ways: readonly SshWay[]
  readonly names: readonly string[]
  readonly complaints: readonly Complaint[]
}
const NOTHING: Between = { ways: [], names: [], complaints: [] }

/**
 * As ssh goes: the last host is reached through those before it where there are some, and through what ssh_config says
 * of it where there are none.
 */
function waysThrough(jumps: readonly Jump[], { asked, atlas, behind }: Course): Between {
  const last = jumps.at(-1)
  if (last === undefined) return NOTHING
  const place = `${last.user ?? ''}@${last.name}:${last.port ?? ''}`
  if (behind.includes(place) || behind.length >= MOST_JUMPS) {
    const why = behind.includes(place) ? `jumps through ${last.name} to reach ${last.name}` : 'has more than 8 jumps'
    const hint = `Exclude it where ssh_config says ProxyJump: Host * !${last.name}`
    return { ...NOTHING, complaints: [placed(asked.origin, `the way to ${asked.name} ${why}`, hint)] }
  }
  const earlier = jumps.slice(0, -1).map(({ name, user, port }) => {
    const at = name.includes(':') ? `[${name}]` : name
    return `${user === undefined ? '' : `${user}@`}${at}${port === undefined ? '' : `:${port}`}`
  })
  const said = (keyword: string, value: string | number | undefined): readonly SshOption[] =>
    value === undefined ? [] : [{ keyword, value: `${value}` }]
  const configFile = last.configFile ?? asked.configFile
  const read = atlas.read({
    name: last.name,
    options: [
      ...said('User', last.user),
      ...said('Port', last.port),
      ...(last.identityFiles ?? []).flatMap((file) => said('IdentityFile', file)),
      ...said('ProxyJump', earlier.length === 0 ? undefined : earlier.join(',')),
    ],
    origin: asked.origin,
    ...(configFile === undefined ? {} : { configFile }),
  })
  const before = waysThrough(read.jumps, { asked, atlas, behind: [...behind, place] })
  return {
    ways: [...before.ways, read.way],
    names: [...before.names, last.name],
    complaints: [...before.complaints, ...read.complaints],
  }
}

/** What was asked once is known: ten thousand hosts may stand behind one. */
type Atlas = { readonly read: (asked: AskedHost) => WayRead }

function newAtlas(files: ConfigFiles, world: ConfigWorld): Atlas {
  const known = new Map<string, WayRead>()
  return {
    read(asked) {
      const key = JSON.stringify([asked.name, asked.options, asked.configFile ?? null])
      const before = known.get(key)
      if (before !== undefined) return before
      const way = readWay(asked, sshSettings(asked, world, files), world)
      known.set(key, way)
      return way
    },
  }
}

function gatewayKey({ address, port }: SshWay): string {
  return `${address} ${port}`
}

function worldHere(): ConfigWorld {
  return {
    user: loginName(),
    uid: process.getuid?.() ?? 0,
    home: homedir(),
    hostName: hostname(),
    environment: env,
  }
}

function loginName(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run us under a number that no user has.
    return env.USER ?? 'root'
  }
}
