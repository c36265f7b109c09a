import { STRIKE_DIR } from './boundaries.ts'

/** What goes wrong at a boundary. */
export type Fault = {
  readonly name: string
  /** Boundaries (`run before intend 1`) at which it can go wrong like this. */
  readonly at: RegExp
  /** Shell that makes the host ready to be struck, and that mends it afterwards. */
  readonly given?: string
  readonly heal?: string
  /** Shell that runs on the host, in the very process that came to the boundary. */
  readonly strike: string
  /** What the harness does once the host has come there and waits. */
  readonly after?: 'reboot' | 'cut' | 'cut-for-long' | 'kill-controller'
}

const killed = (name: string) => `if read -r struck struck_since < "$crash_dir/${name}"; then
  kill -KILL "-$struck"; kill -KILL "$struck"
fi 2> /dev/null`
const KILL_MAIN = [killed('main'), killed('second')].join('\n')
const KILL_SWITCH = killed('switch')
const KILL_OURSELVES = 'kill -KILL "-$$"; kill -KILL "$$"'
/** Nobody goes on until the harness has done its part. */
const WAIT = `while [ ! -e ${STRIKE_DIR}/go ]; do sleep 0.05; done`

/** Verbs under which the switch lives: from `armed` on, until the transaction is decided and done. */
const WITH_SWITCH = /^(?:switch|confirm) |^run .*(?:intend|done|apply|undo|undone|failed|applied)/

/** Faults that need nobody but the host itself. */
export const HOST_FAULTS: readonly Fault[] = [
  {
    name: 'host script killed -9',
    at: /^(?!switch )/,
    strike: KILL_OURSELVES,
  },
  {
    name: 'host script killed -9, its command goes on',
    at: /^\S+ before (?:stage|apply|undo|unstage) /,
    // As a restore that waits for the lock of another, or a slow disk.
    strike: 'kill -KILL "$$"; sleep 2.5',
  },
  { name: 'switch killed -9', at: WITH_SWITCH, strike: KILL_SWITCH },
  { name: 'script and switch killed -9', at: WITH_SWITCH, strike: [KILL_SWITCH, KILL_MAIN, KILL_OURSELVES].join('\n') },
  { name: 'host rebooted', at: /^/, strike: WAIT, after: 'reboot' },
  {
    name: 'disk full in /var/lib',
    at: /^/,
    given: 'mkdir -p /var/lib/ctfleet && mount -t tmpfs -o size=512k,mode=700 tmpfs /var/lib/ctfleet',
    // To the last byte: what is left of the journal's last block would still take a record or two.
    strike: `size=$(wc -c < "$crash_dir/journal")
printf "%$((4095 - size % 4096))s\\n" '' >> "$crash_dir/journal"
dd if=/dev/zero of="\${crash_dir%/*}/filler" bs=4096 2> /dev/null
:`,
    heal: 'rm -f /var/lib/ctfleet/filler',
  },
  {
    name: '/etc read-only',
    at: /^/,
    given: 'mount --bind /etc /etc',
    strike: 'mount -o remount,bind,ro /etc',
    heal: 'mount -o remount,bind,rw /etc',
  },
  {
    name: '/var/lib and /etc read-only',
    at: /^/,
    given: 'mount --bind /etc /etc',
    // Over it, as a file system with files open for writing cannot become read-only itself.
    strike: 'mount -o remount,bind,ro /etc; mount --bind -o ro /var/lib/ctfleet /var/lib/ctfleet',
    heal: 'mount -o remount,bind,rw /etc; umount /var/lib/ctfleet',
  },
]

/** Faults of one that is led by a controller. All wait at the boundary until they have happened. */
export const CONTROLLER_FAULTS: readonly Fault[] = [
  { name: 'controller killed -9', at: /^/, strike: WAIT, after: 'kill-controller' },
  { name: 'link cut for a moment', at: /^/, strike: WAIT, after: 'cut' },
  { name: 'link cut for longer than the window', at: /^/, strike: WAIT, after: 'cut-for-long' },
]
