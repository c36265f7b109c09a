import { setTimeout as sleep } from 'node:timers/promises'
import type { Service } from '../../src/firewall/packet.ts'
import type { Family } from '../../src/firewall/rules.ts'
import type { Agent, Question } from './agent.ts'
import { ENDS, type Guise, type World } from './world.ts'

/** What each probe met, by the cell's name. */
export type Matrix = ReadonlyMap<string, string>

export type Ports = {
  readonly service: number
  /** Listened on as well, and no part of the patch. */
  readonly other: number
  /** Nothing listens. */
  readonly closed: number
}

/** How long nothing may move before what is left counts as dropped. */
export type Patience = { readonly silentMs: number }

/**
 * Both protocols, both families, from every side, to the service's port and to those that must not notice.
 * @param turn the how-manieth matrix of a case. Flows from the service's own port come from another address each time,
 * since the entries of the last ones would be taken for theirs.
 */
export function cellsFor(ports: Ports, guise: Guise, turn: Turn): readonly Cell[] {
  return (['ip', 'ip6'] as const).flatMap((family) =>
    (['tcp', 'udp'] as const).flatMap((protocol) => cellsOf(family, protocol, { ports, guise, turn })),
  )
}

const SSH = 22
export type Turn = 0 | 1 | 2

type Side = 'near' | 'host' | 'far'
export type Cell = Question & { readonly name: string; readonly side: Side; readonly family: Family }

/** Ports that answer: the service's, another, ssh's. */
export function openPorts({ service, other }: Ports): readonly number[] {
  return [...new Set([service, other, SSH])]
}

export async function probeAll(world: World, cells: readonly Cell[], { silentMs }: Patience): Promise<Matrix> {
  for (const side of SIDES) await world[side].forget({ sessions: false })
  const answers = await Promise.all(
    SIDES.map(async (side) => {
      const mine = cells.filter((cell) => cell.side === side)
      const said = await askAgain(world[side], mine, { silentMs })
      return mine.map((cell, at) => [cell.name, withoutBare(said[at] ?? 'no answer')] as const)
    }),
  )
  return new Map(answers.flat())
}

/** A port that a probe of before has not let go of yet is free a little later. */
async function askAgain(agent: Agent, cells: readonly Cell[], { silentMs }: Patience): Promise<readonly string[]> {
  let said = await agent.probe(cells, silentMs)
  for (let round = 0; round < 3 && said.some(isOurs); round += 1) {
    await sleep(500)
    const again = cells.filter((_, at) => isOurs(said[at] ?? ''))
    const more = await agent.probe(again, silentMs)
    said = said.map((answer, at) => (isOurs(answer) ? (more[again.indexOf(cells[at] as Cell)] ?? answer) : answer))
  }
  return said
}

/** What went wrong at our own end says nothing about rules. */
function isOurs(answer: string): boolean {
  return answer.startsWith('error ')
}

/** Sessions from `near` that should live through a change: to the service, where it is TCP, and to ssh. */
export function sessionCells(service: Service, guise: Guise): readonly Cell[] {
  return (['ip', 'ip6'] as const).flatMap((family) => {
    const { to, source } = clientOf(family, guise)
    const held = (where: string, address: string, port: number): Cell => {
      const name = `session ${family} near -> ${where}:${port}`
      return { name, hold: name, side: 'near', family, protocol: 'tcp', to: address, port, ...source }
    }
    const mine = service.forwarded ? held('far', ENDS[family].far, service.port) : held('host', to, service.port)
    const ssh = held('host', to, SSH)
    return service.protocol === 'tcp' && mine.name !== ssh.name ? [mine, ssh] : [ssh]
  })
}

export async function resumeAll(world: World, names: readonly string[], { silentMs }: Patience): Promise<Matrix> {
  const said = await world.near.resume(names, silentMs)
  return new Map(names.map((name, at) => [name, said[at] ?? 'no answer']))
}

export type Difference = { readonly cell: string; readonly was: string; readonly became: string }

export function differencesOf(was: Matrix, became: Matrix): readonly Difference[] {
  return [...was].flatMap(([cell, answer]) => {
    const now = became.get(cell) ?? 'not asked'
    return now === answer ? [] : [{ cell, was: answer, became: now }]
  })
}

const SIDES = ['near', 'host', 'far'] as const satisfies readonly Side[]

/** The address that changes from matrix to matrix is no difference. */
function withoutBare(answer: string): string {
  const bare = BARE.find((each) => answer.endsWith(` ${each}`))
  return bare === undefined ? answer : `${answer.slice(0, -bare.length)}a bare address`
}

const BARE = [ENDS.ip, ENDS.ip6].flatMap(({ nearBare, hostBare }) => [...nearBare, ...hostBare])

function clientOf(family: Family, { client, server }: Guise) {
  const address = client?.[family]
  return { to: server?.[family] ?? ENDS[family].host, source: address === undefined ? {} : { source: { address } } }
}

function cellsOf(
  family: Family,
  protocol: 'tcp' | 'udp',
  { ports, guise, turn }: { readonly ports: Ports; readonly guise: Guise; readonly turn: Turn },
): readonly Cell[] {
  const ends = ENDS[family]
  const all = [...new Set([...openPorts(ports), ports.closed])]
  const { to, source } = clientOf(family, guise)
  const bare = (address: string) => ({ source: { address, port: ports.service } })
  const routes: readonly (readonly [from: Side, said: string, to: string, source: Pick<Question, 'source'>])[] = [
    ['near', 'near -> host', to, source],
    ['far', 'far -> host', ends.hostFar, {}],
    ['host', 'host -> itself over loopback', ends.loopback, {}],
    ['host', 'host -> its own address', ends.host, {}],
    ['host', 'host -> near', ends.near, {}],
    ['near', 'near -> far', ends.far, source],
    ['far', 'far -> near', ends.near, {}],
    ['near', `near from port ${ports.service} -> host`, ends.host, bare(ends.nearBare[turn])],
    ['near', `near from port ${ports.service} -> far`, ends.far, bare(ends.nearBare[turn])],
    // A TCP port that listens is never picked for what the host asks itself.
    ...(protocol === 'udp'
      ? ([['host', `host from port ${ports.service} -> near`, ends.near, bare(ends.hostBare[turn])]] as const)
      : []),
  ]
  return routes.flatMap(([side, said, address, from]) =>
    all.map((port): Cell => {
      const kind = port === ports.closed ? ' (closed)' : ''
      return {
        name: `${family} ${protocol} ${said}:${port}${kind}`,
        side,
        family,
        protocol,
        to: address,
        port,
        ...from,
      }
    }),
  )
}
