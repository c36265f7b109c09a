import { z } from '../../input/schema.ts'
import { type Facts, isRuleLoader, type ManagerName, type RuleLoaderName } from '../../model/facts.ts'
import { type Reading, type Unknown, unknown } from '../../model/reading.ts'

// Texts are no longer than a probe's answer, lists than a parser makes them: a document may come from anybody.
const text = z.string().max(4 * 1024 * 1024)
const word = z.string().max(4096)
const yesOrNo = z.boolean()
const amount = z.number().nonnegative()
const whole = z.number().int().nonnegative()
// Seconds since the epoch that a date can be made of.
const moment = z.number().int().min(0).max(999_999_999_999)
const share = z.number().min(0).max(1)
const port = z.number().int().min(0).max(65_535)

const shared = { key: word, entries: whole, share }
const dump = reading(text.nullable())
const counterSample = z.object({ at: amount, counters: z.record(word, amount) })
const remaining = z.object({ told: whole, half: amount, ninety: amount, longest: amount })

const MANAGERS: Readonly<Record<ManagerName, true>> = {
  docker: true,
  podman: true,
  kubernetes: true,
  lvs: true,
  firewalld: true,
  ufw: true,
  libvirt: true,
  openvswitch: true,
  conntrackd: true,
  fail2ban: true,
  proxmox: true,
}
const managerName = z.custom<ManagerName>(
  (name) => typeof name === 'string' && Object.hasOwn(MANAGERS, name),
  'no manager of firewalls is known by this name',
)

const loaderName = z.custom<RuleLoaderName>(isRuleLoader, 'no loader of rules is known by this name')
const ruleFile = z.object({ path: word, holds: z.enum(['ip', 'ip6', 'nft']), text: dump })

const system = z.object({
  hostname: reading(word),
  os: reading(z.object({ id: word, version: word, name: word })),
  kernel: reading(z.object({ release: word, major: whole, minor: whole })),
  machine: reading(word),
  archBits: reading(z.union([z.literal(32), z.literal(64)])),
  pageSize: reading(whole),
  bootId: reading(word),
  netns: reading(word),
  firstProcess: reading(whole).default(notAsked()),
  uptime: reading(amount),
  cpus: reading(whole),
  init: reading(z.enum(['systemd', 'other'])),
  container: reading(word.nullable()),
  forwarding: z.object({ ip: reading(yesOrNo), ip6: reading(yesOrNo) }).default({ ip: notAsked(), ip6: notAsked() }),
  clientPorts: reading(z.object({ first: whole, last: whole })).default(notAsked()),
})

const conntrack = z.object({
  generation: reading(z.enum(['nf', 'ip', 'none'])),
  form: reading(z.enum(['module', 'built-in', 'absent'])),
  count: reading(whole),
  max: reading(whole),
  usage: reading(amount),
  buckets: reading(whole),
  hashSize: reading(whole),
  maxWritable: reading(yesOrNo),
  bucketsWritable: reading(yesOrNo),
  entryBytes: reading(whole),
  timeouts: reading(z.record(word, amount)),
  settings: reading(z.record(word, word)),
  directory: reading(word),
  tool: reading(yesOrNo),
})

const sample = z.object({
  read: whole,
  total: whole,
  unreadable: whole,
  bySource: list(z.object(shared)),
  byDestinationPort: list(
    z.object({
      ...shared,
      protocol: word,
      port,
      local: share.nullable(),
      // A document that an older ctfleet wrote has none.
      states: list(z.object(shared)).optional(),
    }),
  ),
  byProtocol: list(z.object(shared)),
  byState: list(z.object(shared)),
  remaining: remaining.nullable().default(null),
})

const lockHolder = z.object({
  transaction: word,
  since: moment.nullable(),
  asker: z.object({ run: word, by: word }).nullable(),
  until: moment.nullable(),
  beforeRestart: yesOrNo,
  seenAt: moment,
})

/**
 * Facts as they come out of JSON, every reading with its value or its reason. What this version does not know is left out;
 * what an older one did not ask for is not known. The compiler holds it equal to the facts there are.
 */
export const factsSchema: z.ZodType<Facts> = z.object({
  system,
  memory: z.object({ total: reading(whole), available: reading(whole) }),
  modules: z.object({
    loadable: reading(yesOrNo),
    loaded: reading(list(z.object({ name: word, references: whole.nullable(), holders: list(word) }))),
    builtin: reading(list(word)),
  }),
  conntrack,
  counters: z.object({
    first: reading(counterSample),
    second: reading(counterSample),
    seconds: reading(amount),
    drop: reading(amount),
    earlyDrop: reading(amount),
    insertFailed: reading(amount),
    chainTooLong: reading(amount),
    dropTotal: reading(amount),
  }),
  kernelLog: z.object({ tableFull: reading(z.object({ lines: whole, newestAgeSeconds: amount.nullable() })) }),
  entries: z.object({ sample: reading(sample) }),
  listeners: z.object({
    sockets: reading(list(z.object({ protocol: z.enum(['tcp', 'udp']), address: word, port }))),
    addresses: reading(list(word)),
  }),
  firewall: z.object({
    legacy: z.object({ ip: dump, ip6: dump }),
    nft: z.object({ ip: dump, ip6: dump }),
    nftRuleset: dump,
    tools: reading(
      z.object({
        legacy: word.nullable(),
        nft: word.nullable(),
        defaultBackend: z.enum(['legacy', 'nft']).nullable(),
        // An older ctfleet did not ask for it; what nft itself would have to change is refused then.
        native: yesOrNo.default(false),
      }),
    ),
    rawTable: reading(yesOrNo),
  }),
  managers: z.object({ present: reading(list(z.object({ name: managerName, sign: word }))) }),
  persistence: z.object({
    files: reading(list(z.object({ path: word, lines: list(text) }))),
    ruleFiles: reading(list(word)),
    iptablesModules: reading(yesOrNo),
    ip6tablesModules: reading(yesOrNo),
    savesOnStop: reading(list(word)),
    loaders: reading(list(z.object({ name: loaderName, sign: word, files: list(ruleFile) }))).default(notAsked()),
  }),
  history: z.object({ lastChangeAgeSeconds: reading(amount.nullable()) }),
  lock: z.object({ holder: reading(lockHolder.nullable()) }).default({ holder: notAsked() }),
  privilege: z.object({ user: reading(word), root: reading(yesOrNo), sshPort: reading(port.nullable()) }),
})

function reading<T>(value: z.ZodType<T>): z.ZodType<Reading<T>> {
  const known = z.object({ known: z.literal(true), value })
  return z.union([known as z.ZodType<Reading<T>>, z.object({ known: z.literal(false), why: text })])
}

function list<T>(item: z.ZodType<T>): z.ZodType<T[]> {
  return z.array(item).max(100_000)
}

/** For what came later than documents that are still about. */
function notAsked(): Unknown {
  return unknown('the ctfleet that recorded these facts did not ask for it')
}
