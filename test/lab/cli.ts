import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { LabHost } from './host.ts'
import { openLab, removeSlot, startLab, stopNamespaces } from './lab.ts'
import { DEFAULT_HOSTS, PERSONALITIES } from './personalities.ts'
import { takenSlots } from './slot.ts'
import { openVm, startVm, stopVm, stopVms } from './vm/vm.ts'

const USAGE = `npm run lab -- COMMAND [--dir DIR]

  up [--hosts web-1,nft-1,…]   start namespace hosts; without names: ${DEFAULT_HOSTS.join(' ')}
     [--behind bastion-1,…]    reached through these alone, one after the other (at most two)
  down [--all]                 remove the lab in DIR with its virtual machines; --all: also the
                               namespace hosts of every other lab on this machine
  vm up [--name vm-1] [--systemd] [--persistent]
                               boot a Debian virtual machine with modules to unload (the first time: builds it)
  vm down [--name vm-1]        end it; a persistent one keeps its disk in DIR
  fill HOST [--entries N | --percent P] [--port 443]
  drain HOST                   empty its table
  cut HOST | mend HOST         pull its cable, plug it in
  exec HOST -- CMD…            as root inside the host
  dump HOST                    its state as ctfleet's tests compare it

Kinds of host (any number behind the name):
${Object.entries(PERSONALITIES)
  .map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}\n`)
  .join('')}`

const { values, positionals } = typed()
const dir = resolve(values.dir)

async function main(): Promise<number> {
  const [command = 'help', hostName = '', ...rest] = values.help ? [] : positionals
  const host = async (): Promise<LabHost> =>
    hostName.startsWith('vm-') ? openVm(dir, hostName) : (await openLab(dir)).host(hostName)
  switch (command) {
    case 'up':
      return up()
    case 'down':
      return down()
    case 'vm':
      return vm(hostName)
    case 'fill': {
      const { count, max } = await (await host()).fill({
        ...(values.entries === undefined ? {} : { entries: whole('entries', values.entries) }),
        ...(values.percent === undefined ? {} : { percent: whole('percent', values.percent) }),
        ...(values.port === undefined ? {} : { port: whole('port', values.port) }),
      })
      say(`${hostName}: ${count} of ${max} entries`)
      return 0
    }
    case 'drain':
      await (await host()).drain()
      return 0
    case 'cut':
      await (await host()).cut()
      return 0
    case 'mend':
      await (await host()).mend()
      return 0
    case 'exec': {
      const ended = await (await host()).exec(rest, { timeoutSeconds: 600 })
      process.stdout.write(ended.stdout)
      process.stderr.write(ended.stderr)
      return ended.code
    }
    case 'dump':
      process.stdout.write(await (await host()).dump())
      return 0
    default:
      process.stdout.write(USAGE)
      return command === 'help' ? 0 : 2
  }
}

async function up(): Promise<number> {
  const began = Date.now()
  const names = (list: string | undefined) => list?.split(',').filter((name) => name !== '')
  const hosts = names(values.hosts)
  const behind = names(values.behind) ?? []
  const lab = await startLab({ dir, say, behind, ...(hosts === undefined ? {} : { hosts }) })
  for (const { name, user, address } of lab.hosts) say(`${name.padEnd(14)}${user}@${address}`)
  say(`${lab.hosts.length} hosts in ${((Date.now() - began) / 1000).toFixed(1)} s; inventory: ${lab.inventoryPath}`)
  return 0
}

async function down(): Promise<number> {
  await stopVms(dir)
  await stopNamespaces(dir)
  if (values.all) for (const { slot } of await takenSlots()) await removeSlot(slot)
  return 0
}

async function vm(action: string): Promise<number> {
  if (action === 'down') {
    await stopVm(dir, values.name)
    return 0
  }
  if (action !== 'up') throw new Error(`vm: expected up or down, found "${action}"`)
  const began = Date.now()
  const init = values.systemd ? 'systemd' : 'fast'
  const { name, port, inventoryPath, forwards } = await startVm({
    dir,
    name: values.name,
    persistent: values.persistent,
    init,
    say,
  })
  const others = Object.entries(forwards).map(([guest, here]) => `${guest} at ${here}`)
  say(`${name}: root@127.0.0.1 port ${port} (${others.join(', ')})`)
  say(`up in ${((Date.now() - began) / 1000).toFixed(1)} s; inventory: ${inventoryPath}`)
  return 0
}

/** What was typed; a word that is no option ends here with a line, not with a stack trace. */
function typed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        dir: { type: 'string', default: '.lab' },
        help: { type: 'boolean', default: false, short: 'h' },
        name: { type: 'string', default: 'vm-1' },
        systemd: { type: 'boolean', default: false },
        persistent: { type: 'boolean', default: false },
        hosts: { type: 'string' },
        behind: { type: 'string' },
        all: { type: 'boolean', default: false },
        entries: { type: 'string' },
        percent: { type: 'string' },
        port: { type: 'string' },
      },
    })
  } catch (error) {
    say(`${error instanceof Error ? error.message : String(error)}. Next: npm run lab -- --help`)
    process.exit(2)
  }
}

function whole(name: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  throw new Error(`--${name}: expected a whole number, found "${text}"`)
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

// An interrupted start leaves its number on disk, and "down" finds everything by that.
process.once('SIGINT', () => {
  say('interrupted. Next: npm run lab -- down')
  process.exit(130)
})

try {
  process.exitCode = await main()
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
