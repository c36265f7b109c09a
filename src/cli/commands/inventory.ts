import { didYouMean } from '../../input/nearest.ts'
import type { Inventory } from '../../inventory/inventory.ts'
import { selectFrom } from '../../inventory/select-hosts.ts'
import type { InventoryHost } from '../../model/host.ts'
import { graphJson, inventoryHostJson, inventoryJson, listJson } from '../../report/json/inventory.ts'
import { jsonText } from '../../report/json/text.ts'
import { graphText, inventoryText, type Shown } from '../../report/text/inventory.ts'
import { inventoryHostText, type ShownHost } from '../../report/text/inventory-host.ts'
import { quote } from '../../shell/script.ts'
import { resolveWays, type WayWords } from '../../transport/access.ts'
import type { AccessWords } from '../access-words.ts'
import { formatFrom } from '../arguments.ts'
import { checkAll, complainAbout } from '../checks.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { asAsked, inventoryFrom, type TargetWords } from '../targets.ts'
import type { Terminal } from '../terminal.ts'

export type InventoryWords = TargetWords & {
  readonly graph: boolean
  readonly list: boolean
  readonly host: string | undefined
  readonly format: string
}

/** Shows what was understood of an inventory; contacts nobody. */
export async function inventoryCommand(words: InventoryWords, terminal: Terminal): Promise<ExitCode> {
  const { inventory, format } = await checkAll({
    inventory: () => inventoryFrom(words),
    format: () => formatFrom(words.format),
  })
  const print = (text: () => readonly string[], json: () => object) =>
    format === 'json' ? terminal.printText(jsonText(json())) : terminal.print(text())
  if (words.host !== undefined) {
    const shown = await shownHost(inventory, words.host, words)
    print(
      () => inventoryHostText(terminal.paper, shown),
      () => inventoryHostJson(shown),
    )
    return shown.complaints.length === 0 ? EXIT.asWanted : EXIT.someFailed
  }
  const { hosts, setAside } = selectFrom(inventory, words.limit)
  const chosen = new Set([...hosts, ...setAside].map(({ name }) => name))
  const isWhole = words.limit === undefined
  if (words.list) {
    terminal.printText(jsonText(listJson({ inventory, chosen }, isWhole)))
    return EXIT.asWanted
  }
  const shown = { inventory, chosen, ...(await waysTo(hosts, words)) }
  if (words.graph) {
    print(
      () => graphText(shown, isWhole),
      () => graphJson(shown, isWhole),
    )
    return EXIT.asWanted
  }
  print(
    () => inventoryText(terminal.paper, shown),
    () => inventoryJson(shown, shown),
  )
  return setAside.length + shown.wrong.length === 0 ? EXIT.asWanted : EXIT.someFailed
}

async function shownHost(inventory: Inventory, name: string, words: WayWords & AccessWords): Promise<ShownHost> {
  const host = inventory.hosts.find((each) => each.name === name)
  const aside = inventory.setAside.find((each) => each.name === name)
  if (host === undefined && aside === undefined) {
    const names = [...inventory.hosts, ...inventory.setAside].map((each) => each.name)
    const hint = didYouMean(name, names) ?? `all names: ctfleet inventory ${quote(inventory.file)} --graph`
    throw complainAbout('--host', `${inventory.file} names no host ${JSON.stringify(name)}`, hint)
  }
  const { ways, wrong, notes } = await waysTo(host === undefined ? [] : [host], words)
  const secrets = inventory.secrets.get(name)
  return {
    name,
    groups: (host ?? aside)?.groups ?? [],
    way: ways[0] ?? null,
    complaints: [...(aside?.complaints ?? []), ...wrong],
    notes: notes.map(({ note }) => note),
    values: inventory.values.get(name) ?? new Map(),
    passwords: [
      ...(secrets?.login === undefined ? [] : ['to log in']),
      ...(secrets?.become === undefined ? [] : ['to become root']),
    ],
  }
}

type Ways = Pick<Shown, 'ways' | 'wrong' | 'notes'>

async function waysTo(hosts: readonly InventoryHost[], words: WayWords & AccessWords): Promise<Ways> {
  const {
    hosts: ways,
    complaints,
    notes,
  } = await resolveWays(
    hosts.map((host) => asAsked(host, words)),
    words,
  )
  return { ways, wrong: complaints, notes: notes.map(({ host, note }) => ({ host, note })) }
}
