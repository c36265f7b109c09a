import { readdir } from 'node:fs/promises'
import { must, run } from './command.ts'
import { type Segment, type Slot, segmentOf } from './slot.ts'

/**
 * The lab's switch is a bridge in a namespace of its own; the machine gets one interface into it and nothing else. Where
 * br_netfilter is there, bridged packets would otherwise pass the machine's own rules (docker's FORWARD DROP, say). Each
 * network behind a jump host is one more bridge there.
 */
export async function createSwitch(slot: Slot, jumps: number): Promise<void> {
  const { gateway, gateway6, prefix } = segmentOf(slot, 0)
  await must(['ip', 'netns', 'add', slot.switchNetns])
  await ip(
    [],
    [
      `link add ${slot.link} type veth peer name uplink netns ${slot.switchNetns}`,
      `addr add ${gateway}/${prefix} dev ${slot.link}`,
      `addr add ${gateway6}/64 dev ${slot.link} nodad`,
      `link set ${slot.link} up`,
    ],
  )
  await ip(
    ['-n', slot.switchNetns],
    [
      ...Array.from({ length: jumps + 1 }, (_, depth) => segmentOf(slot, depth)).flatMap(({ bridge }) => [
        `link add ${bridge} type bridge forward_delay 0 mcast_snooping 0`,
        `link set ${bridge} up`,
      ]),
      'link set uplink master br0',
      'link set uplink up',
    ],
  )
}

type Socket = {
  readonly netns: string
  readonly port: string
  readonly hardwareAddress: string
  readonly segment: Segment
}

/** Gives a new network namespace, and its end of a cable into the lab's switch as eth0; a jump host has eth1 besides. */
export async function attachHost(slot: Slot, host: Socket, inside?: Segment): Promise<void> {
  await must(['ip', 'netns', 'add', host.netns])
  await ip(
    ['-n', slot.switchNetns],
    [
      `link add ${host.port} type veth peer name eth0 address ${host.hardwareAddress} netns ${host.netns}`,
      `link set ${host.port} master ${host.segment.bridge}`,
      `link set ${host.port} up`,
      ...(inside === undefined
        ? []
        : [
            `link add ${host.port}i type veth peer name eth1 netns ${host.netns}`,
            `link set ${host.port}i master ${inside.bridge}`,
            `link set ${host.port}i up`,
          ]),
    ],
  )
}

/** Takes both away again. The cable first: what a TCP socket still retransmits keeps a deleted namespace alive. */
export async function detachHost(slot: Slot, host: Socket): Promise<void> {
  await run(['ip', '-n', slot.switchNetns, 'link', 'del', host.port])
  await run(['ip', '-n', slot.switchNetns, 'link', 'del', `${host.port}i`])
  await run(['ip', 'netns', 'del', host.netns])
}

/** Pulls the cable at the switch (the host sees its carrier go), or plugs it in again. */
export async function setPort(slot: Slot, port: string, state: 'up' | 'down'): Promise<void> {
  await must(['ip', '-n', slot.switchNetns, 'link', 'set', port, state])
}

/** Removes every link and namespace that carries the lab's number; what is gone already is no matter. */
export async function removeNetwork(slot: Slot): Promise<void> {
  const mine = (await readdir('/run/netns').catch(() => [])).filter((name) => name.startsWith(`${slot.link}-`))
  for (const netns of mine) {
    const pids = (await run(['ip', 'netns', 'pids', netns])).stdout.split('\n').filter((pid) => pid !== '')
    for (const pid of pids) killHard(Number(pid))
  }
  // Links first and by hand: a TCP socket that still retransmits keeps a deleted namespace, and its links, alive.
  await run(['ip', 'link', 'del', slot.link])
  if (mine.includes(slot.switchNetns)) {
    const links = await run(['ip', '-n', slot.switchNetns, '-o', 'link', 'show', 'type', 'veth'])
    const names = links.stdout.match(/(?<=^\d+: )[^@:]+/gm) ?? []
    await run(['ip', '-n', slot.switchNetns, '-force', '-batch', '-'], {
      input: names.map((name) => `link del ${name}\n`).join(''),
    })
  }
  await run(['ip', '-force', '-batch', '-'], { input: mine.map((name) => `netns del ${name}\n`).join('') })
}

/** Ends a process of the lab; one that is gone already is no matter. */
export function killHard(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // gone
  }
}

/** Several ip commands in one process: half of a lab's start would otherwise be fork and exec. */
async function ip(options: readonly string[], commands: readonly string[]): Promise<void> {
  await must(['ip', ...options, '-batch', '-'], { input: `${commands.join('\n')}\n` })
}
