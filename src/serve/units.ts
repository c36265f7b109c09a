import { type Job, markOf } from './job.ts'

/** The service: one audit, which sees no more of this machine than it needs, and writes its record alone. */
export function serviceText(job: Job): string {
  const { name, command, directory, home, state, writes, isUsers, looksHere } = job
  const reads = isUsers || looksHere ? [] : SHUT_OFF
  return lines(
    markOf(name),
    '[Unit]',
    `Description=ctfleet audit ${name}`,
    ...(isUsers ? [] : ['Wants=network-online.target', 'After=network-online.target']),
    '',
    '[Service]',
    'Type=oneshot',
    `ExecStart=${command.map(commandWord).join(' ')}`,
    // Findings: the audit did what it is for.
    'SuccessExitStatus=4',
    'TimeoutStartSec=2h',
    `WorkingDirectory=${escaped(directory)}`,
    `Environment=${word(`HOME=${home}`)} ${word(`CTFLEET_STATE=${state}`)}`,
    'UMask=0077',
    'Nice=5',
    '',
    ...COMMON,
    ...reads,
    ...(isUsers || looksHere ? [] : [`ReadWritePaths=${[state, ...writes].map(word).join(' ')}`]),
  )
}

export function timerText({ name, jitter, catchUp }: Job, calendar: readonly string[]): string {
  return lines(
    markOf(name),
    '[Unit]',
    `Description=When ctfleet audit ${name} is due`,
    '',
    '[Timer]',
    ...calendar.map((each) => `OnCalendar=${each}`),
    `RandomizedDelaySec=${jitter}s`,
    // systemd would put all off by up to a minute to wake up less often.
    'AccuracySec=1s',
    `Persistent=${catchUp ? 'true' : 'false'}`,
    '',
    '[Install]',
    'WantedBy=timers.target',
  )
}

/** Needs no right that a user's own services lack, and takes nothing that an audit by SSH needs. */
const COMMON = [
  'NoNewPrivileges=yes',
  'RestrictSUIDSGID=yes',
  'RestrictRealtime=yes',
  'RestrictNamespaces=yes',
  'LockPersonality=yes',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
  'SystemCallErrorNumber=EPERM',
  'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK',
]

/**
 * Homes stay readable, also those that are closed to others: inventory, keys and known_hosts are there. Root without that
 * one right could not enter them. V8 compiles as it runs, so that memory stays executable.
 */
const SHUT_OFF = [
  'ProtectSystem=strict',
  'ProtectHome=read-only',
  'PrivateTmp=yes',
  'PrivateDevices=yes',
  'PrivateMounts=yes',
  'ProtectKernelTunables=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelLogs=yes',
  'ProtectControlGroups=yes',
  'ProtectClock=yes',
  'ProtectHostname=yes',
  'ProtectProc=invisible',
  'ProcSubset=pid',
  'RemoveIPC=yes',
  'CapabilityBoundingSet=CAP_DAC_READ_SEARCH',
  'AmbientCapabilities=',
]

/** In a command line `$` begins a variable, and in every value `%` a specifier (systemd.service(5), systemd.unit(5)). */
function commandWord(text: string): string {
  return word(text.replaceAll('$', () => '$$'))
}

function word(text: string): string {
  return `"${escaped(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

function escaped(text: string): string {
  return text.replaceAll('%', '%%')
}

function lines(...all: readonly string[]): string {
  return `${all.join('\n')}\n`
}
