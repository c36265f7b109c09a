import { bindReadings, type View } from '../expression/bind-readings.ts'
import type { Shape, ShapeOf } from '../expression/shape.ts'
import type { Facts } from '../model/facts.ts'
import type { Json } from '../model/json.ts'
import type { Reading } from '../model/reading.ts'

/** What was worked out from the facts by algorithms that no expression could hold; the rest of a playbook only uses it. */
export type Analysis = {
  readonly unload: {
    readonly possible: Reading<boolean>
    /** `modules`: they are unloaded. `hooks`: they stay, and with the last stateful rule tracking's hooks go. */
    readonly form: 'modules' | 'hooks'
    /** Why not; clauses for a person, naming the rule or module in the way. */
    readonly why: string
    /** What is surely in the way, each a clause; what can be done something about comes first. */
    readonly blockers: readonly string[]
    /** Stateful rules to take out first, as the step kind `firewall` wants them. */
    readonly edits: readonly Json[]
    /** Leaf first; empty where they stay. */
    readonly modules: readonly string[]
    /** Why the modules stay, a clause for a person; empty where they go. */
    readonly modulesStay: string
    /** Whether the `conntrack` program is there and can empty the table. */
    readonly canFlush: Reading<boolean>
  }
  readonly notrack: {
    readonly safe: Reading<boolean>
    readonly why: string
    readonly edits: readonly Json[]
    /** The flows that the edits leave untracked, as the step kind `firewall` wants them. */
    readonly flows: readonly Json[]
    readonly ports: { readonly tcp: readonly number[]; readonly udp: readonly number[] }
    /** The host's own, whose entries are to be deleted; empty where they are too many for that. */
    readonly addresses: readonly string[]
  }
  readonly tune: {
    /** Entries needed at once, as measured. */
    readonly demand: Reading<number>
    /** Where that number comes from, or why there is none; a clause for a person. */
    readonly demandBecause: string
    /** The largest max, in entries, whose full table the memory can spare. */
    readonly fits: Reading<number>
    /** Of one entry: the slab's own figure, or that of a large one where the kernel does not tell. */
    readonly entryBytes: number
    readonly entryBytesMeasured: boolean
    /** `1.9 GiB are available`, or why that is not known. */
    readonly availableText: string
    /** Seconds until half, nine tenths and all of the entries run out, if no packet of theirs comes. */
    readonly drain: {
      readonly half: Reading<number>
      readonly ninety: Reading<number>
      readonly longest: Reading<number>
    }
    /** The same as a clause for a person; empty where it is not known. */
    readonly drainText: string
  }
  /** How the rules of a remedy can be there after a reboot: in the file of the one that loads rules, or by a unit of our own. */
  readonly persist: {
    /** A service that writes the running rules to disk when it stops, and what to set; a clause, empty where none does. */
    readonly savesOnStop: string
    readonly notrack: Lasting & {
      /** Whether the firewall, when it is reloaded, puts all of these rules in place again. */
      readonly reloaded: boolean
      /** Rules where nobody else loads any: a script, and the unit that runs it; empty where they are not to be. */
      readonly script: string
      readonly unit: string
    }
    readonly unload: Lasting
  }
}

type Lasting = {
  /** As the step kind `rules-file` wants them. */
  readonly files: readonly Json[]
  /** What holds after a reboot, for a person. */
  readonly note: string
}

/** Everything a playbook's expressions may name, for one host. */
export function hostView(facts: Facts, analysis: Analysis): View {
  return bindReadings({ facts, analysis })
}

const facts: ShapeOf<Facts> = {
  system: {
    hostname: 'string',
    os: { id: 'string', version: 'string', name: 'string' },
    kernel: { release: 'string', major: 'double', minor: 'double' },
    machine: 'string',
    archBits: 'double',
    pageSize: 'double',
    bootId: 'string',
    netns: 'string',
    firstProcess: 'double',
    uptime: 'double',
    cpus: 'double',
    init: 'string',
    container: 'dyn',
    forwarding: { ip: 'bool', ip6: 'bool' },
    clientPorts: { first: 'double', last: 'double' },
  },
  memory: { total: 'double', available: 'double' },
  modules: { loadable: 'bool', loaded: 'list<dyn>', builtin: 'list<string>' },
  conntrack: {
    generation: 'string',
    form: 'string',
    count: 'double',
    max: 'double',
    usage: 'double',
    buckets: 'double',
    hashSize: 'double',
    maxWritable: 'bool',
    bucketsWritable: 'bool',
    entryBytes: 'double',
    timeouts: 'map<string, double>',
    settings: 'map<string, string>',
    directory: 'string',
    tool: 'bool',
  },
  counters: {
    first: { at: 'double', counters: 'map<string, double>' },
    second: { at: 'double', counters: 'map<string, double>' },
    seconds: 'double',
    drop: 'double',
    earlyDrop: 'double',
    insertFailed: 'double',
    chainTooLong: 'double',
    dropTotal: 'double',
  },
  kernelLog: { tableFull: { lines: 'double', newestAgeSeconds: 'dyn' } },
  entries: {
    sample: {
      read: 'double',
      total: 'double',
      unreadable: 'double',
      bySource: 'list<dyn>',
      byDestinationPort: 'list<dyn>',
      byProtocol: 'list<dyn>',
      byState: 'list<dyn>',
      remaining: 'dyn',
    },
  },
  listeners: { sockets: 'list<dyn>', addresses: 'list<string>' },
  firewall: {
    legacy: { ip: 'dyn', ip6: 'dyn' },
    nft: { ip: 'dyn', ip6: 'dyn' },
    nftRuleset: 'dyn',
    tools: { legacy: 'dyn', nft: 'dyn', defaultBackend: 'dyn', native: 'bool' },
    rawTable: 'bool',
  },
  managers: { present: 'list<dyn>' },
  persistence: {
    files: 'list<dyn>',
    ruleFiles: 'list<string>',
    iptablesModules: 'bool',
    ip6tablesModules: 'bool',
    savesOnStop: 'list<string>',
    loaders: 'list<dyn>',
  },
  history: { lastChangeAgeSeconds: 'dyn' },
  lock: { holder: 'dyn' },
  privilege: { user: 'string', root: 'bool', sshPort: 'dyn' },
}

const analysis: ShapeOf<Analysis> = {
  unload: {
    possible: 'bool',
    form: 'string',
    why: 'string',
    blockers: 'list<string>',
    edits: 'list<dyn>',
    modules: 'list<string>',
    modulesStay: 'string',
    canFlush: 'bool',
  },
  notrack: {
    safe: 'bool',
    why: 'string',
    edits: 'list<dyn>',
    flows: 'list<dyn>',
    ports: { tcp: 'list<double>', udp: 'list<double>' },
    addresses: 'list<string>',
  },
  tune: {
    demand: 'double',
    demandBecause: 'string',
    fits: 'double',
    entryBytes: 'double',
    entryBytesMeasured: 'bool',
    availableText: 'string',
    drain: { half: 'double', ninety: 'double', longest: 'double' },
    drainText: 'string',
  },
  persist: {
    savesOnStop: 'string',
    notrack: { files: 'list<dyn>', note: 'string', reloaded: 'bool', script: 'string', unit: 'string' },
    unload: { files: 'list<dyn>', note: 'string' },
  },
}

/** The names that playbooks may use, besides `vars`; the compiler keeps them equal to the facts there are. */
export const NAMES = { facts, analysis }

/** What `--where` and a policy's rules may use: facts as `facts --format json` names them, and under `facts.` as in playbooks. */
export const FACT_NAMES: Shape = { ...facts, facts }
