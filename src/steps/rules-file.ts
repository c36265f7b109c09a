import { BLOCK_BEGIN, BLOCK_END } from '../firewall/file-text.ts'
import { z } from '../input/schema.ts'
import { known, unknown } from '../model/reading.ts'
import { lines, type Script, sh } from '../shell/script.ts'
import type { StepKindSpec } from './step-kind.ts'

const line = z
  .string()
  .max(10_239)
  .regex(/^[^\n\0]*$/, 'expected one line')
const path = z
  .string()
  .regex(/^(?:\/(?!\.\.?(?:\/|$))[A-Za-z0-9._@-]+)+$/, 'expected an absolute path without special characters')
const sums = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  cksum: z.string().regex(/^\d{1,10} \d{1,10}$/),
})
const change = z.strictObject({
  path,
  reads: z.enum(['legacy', 'nft', 'native']),
  family: z.enum(['ip', 'ip6', 'inet']),
  made: z.boolean(),
  before: sums,
  after: sums,
  hunks: z
    .array(
      z.strictObject({
        at: z.number().int().nonnegative(),
        remove: z.array(line).readonly(),
        add: z.array(line).readonly(),
        above: line.nullable(),
        below: line.nullable(),
      }),
    )
    .readonly(),
  rules: z
    .array(z.strictObject({ action: z.enum(['add', 'remove']), key: z.string().regex(/^[A-Za-z0-9:_-]+$/), line }))
    .min(1)
    .readonly(),
})

type Change = z.output<typeof change>
type Want = { readonly files: readonly Change[] }
/** Which of the rules the file holds, by key. What else is in there is not ours to know. */
type State = { readonly rules: { readonly [key: string]: boolean } }

/**
 * Rules in a file that somebody else owns and that is loaded at boot. They come only into the very text they were judged by,
 * and go out of whatever it has become since: ours are known by their comment, removed ones go back between their neighbours.
 */
export const rulesFile: StepKindSpec<Want, State> = {
  kind: 'rules-file',
  summary: 'adds and removes rules in files that are loaded at boot, and leaves the rest of them byte for byte',
  phase: 'persist',
  want: z.strictObject({ files: z.array(change).min(1) }),
  title(want) {
    const { path, made, rules } = only(want)
    const adds = rules.filter(({ action }) => action === 'add').length
    const verbs = [
      adds > 0 ? `add ${counted(adds)}` : '',
      adds < rules.length ? `remove ${counted(rules.length - adds)}` : '',
    ]
    return `${verbs.filter((verb) => verb !== '').join(', ')} in ${path}${made ? ', which is made' : ''}`
  },
  split: ({ files }) => files.map((each) => ({ files: [each] })),
  probe(want) {
    const { path, rules } = only(want)
    return lines(
      sh`rules=${path}
if [ -L "$rules" ]; then echo link
elif [ -f "$rules" ] || ! [ -e "$rules" ]; then echo rules
else echo other
fi
has() { if [ -f "$rules" ] && grep -q "$@" -- "$rules"; then printf '%s yes\n' "$key"; else printf '%s no\n' "$key"; fi; }`,
      ...rules.map(({ action, key, line }) =>
        action === 'add' ? sh`key=${key}; has -e "$key[\" ]" -e "$key\$"` : sh`key=${key}; has -x -F -e ${line}`,
      ),
    )
  },
  read(probed, want) {
    const { path, rules } = only(want)
    const [file, ...rows] = probed.split('\n')
    if (file !== 'rules') {
      return unknown(file === 'link' ? `${path} is a symbolic link` : `${path} is not a plain file`)
    }
    const there: Record<string, boolean> = {}
    for (const { key } of rules) {
      const row = rows.find((each) => each === `${key} yes` || each === `${key} no`)
      if (row === undefined) return unknown(`${path} could not be read`)
      there[key] = row.endsWith(' yes')
    }
    return known({ rules: there })
  },
  goal: (_now, want) => ({
    rules: Object.fromEntries(only(want).rules.map(({ key, action }) => [key, action === 'add'])),
  }),
  transition(_from, to, want) {
    const file = only(want)
    if (isGoal(to, file)) {
      return lines(
        FUNCTIONS,
        named(file),
        sh`if is_after; then exit 0; fi
if ! is_before; then
  printf '%s is not as it was when the plan was made\n' "$rules" >&2
  exit 3
fi
is_text "$staged" ${file.after.sha256} ${file.after.cksum} || {`,
        ready(file),
        sh`} || exit 1
reads_well || exit 1
mv -f -- "$staged" "$rules"`,
      )
    }
    return lines(
      FUNCTIONS,
      named(file),
      sh`if is_before; then exit 0; fi
if is_after; then`,
      file.made
        ? sh`rm -f -- "$rules"; exit`
        : replace(compose(file, 'back'), sh`is_text "$staged" ${file.before.sha256} ${file.before.cksum}`),
      sh`fi
[ -f "$rules" ] || { printf '%s is not there\n' "$rules" >&2; exit 3; }`,
      replace(loosely(file), sh`:`),
    )
  },
  stage(_from, _to, want) {
    const file = only(want)
    return {
      stage: lines(
        FUNCTIONS,
        named(file),
        sh`is_after && exit 0
is_before || { printf '%s is not as it was when the plan was made\n' "$rules" >&2; exit 3; }`,
        ready(file),
        sh`[ -s "$staged" ] && reads_well`,
      ),
      unstage: lines(named(file), sh`rm -f -- "$staged"`),
    }
  },
  show: (state, want) => {
    const { rules } = only(want)
    return rules.filter(({ key }) => state.rules[key] === true).map(({ line }) => line.trim())
  },
}

function only({ files }: Want): Change {
  return files[0] as Change
}

function counted(rules: number): string {
  return rules === 1 ? '1 rule' : `${rules} rules`
}

function isGoal(state: State, { rules }: Change): boolean {
  return rules.every(({ key, action }) => state.rules[key] === (action === 'add'))
}

const FUNCTIONS: Script = sh`is_text() {
  [ -f "$1" ] || return 1
  if command -v sha256sum > /dev/null 2>&1; then [ "$(sha256sum < "$1" | sed 's/ .*//')" = "$2" ]
  else [ "$(cksum < "$1" | sed 's/ *$//')" = "$3" ]
  fi
}
some() { if [ "$2" = end ] || [ "$2" -ge "$1" ]; then sed -n "$1,$(printf %s "$2" | sed 's/end/$/')p" "$rules"; fi; }
newline='
'
# Mode, owner and label of the file are kept: what is written goes into a copy of it.
copy() {
  rm -f -- "$staged"
  if [ -f "$rules" ]; then
    cp -p -- "$rules" "$staged" || return 1
    chcon --reference="$rules" -- "$staged" 2> /dev/null || :
  else
    ( umask 0137; : > "$staged" )
  fi
}
synced() { dd if=/dev/null of="$staged" conv=notrunc,fsync 2> /dev/null || : ; }`

function named(file: Change): Script {
  const { path, made, before, after } = file
  return lines(
    sh`rules=${path} staged=${`${path}.ctfleet-staged`}
is_before() { ${made ? sh`[ ! -e "$rules" ]` : sh`is_text "$rules" ${before.sha256} ${before.cksum}`} ; }
is_after() { is_text "$rules" ${after.sha256} ${after.cksum} ; }`,
    check(file),
  )
}

/**
 * Has the program that will read the file check it, where that loads nothing and makes no table (iptables-legacy-restore --test
 * makes tables, and CT loads connection tracking).
 */
function check({ path, reads, family }: Change): Script {
  const program = family === 'ip6' ? 'ip6tables' : 'iptables'
  // ufw's files lead to chains that it makes before it loads them.
  const onto = path.startsWith('/etc/ufw/') ? sh`--noflush ` : sh``
  if (reads === 'native') {
    return sh`reads_well() {
  if command -v nft > /dev/null 2>&1 && { [ ! -e /proc/modules ] || { grep -q '^nf_tables ' /proc/modules && grep -q '^nft_ct ' /proc/modules; }; }; then
    nft -c -f "$staged" >&2
  fi
}`
  }
  return sh`reads_well() {
  tool=${program}
  if command -v ${`${program}-${reads}-restore`} > /dev/null 2>&1; then tool=${`${program}-${reads}`}; fi
  command -v "$tool-restore" > /dev/null 2>&1 || return 0
  if [ -e /proc/modules ] && ! grep -q '^xt_CT ' /proc/modules; then return 0; fi
  if [ ${reads} = legacy ]; then
    for table in $(sed -n 's/^\*\([a-z]*\)$/\1/p' "$staged"); do
      grep -s -q -x "$table" ${`/proc/net/${family}_tables_names`} || return 0
    done
  elif [ -e /proc/modules ] && ! grep -q '^nf_tables ' /proc/modules; then return 0
  fi
  "$tool-restore" ${onto}--test < "$staged" >&2
}`
}

function ready(file: Change): Script {
  return lines(
    sh`copy &&
{`,
    compose(file, 'forth'),
    sh`} > "$staged" && is_text "$staged" ${file.after.sha256} ${file.after.cksum} && synced`,
  )
}

function replace(text: Script, right: Script): Script {
  return lines(
    sh`copy || exit 1
{`,
    text,
    sh`} > "$staged" && ${right} && synced && mv -f -- "$staged" "$rules" && exit 0
rm -f -- "$staged"
exit 3`,
  )
}

/** Prints the new text from the old one, or the old one from the new: what stays by its numbers, what comes as it is. */
function compose({ hunks, made }: Change, way: 'forth' | 'back'): Script {
  const parts: Script[] = []
  let from = 1
  let shift = 0
  for (const { at, remove, add } of hunks) {
    const [out, into] = way === 'forth' ? [remove, add] : [add, remove]
    const place = way === 'forth' ? at : at + shift
    parts.push(sh`some ${from} ${place}`, ...into.map((each) => sh`printf '%s\n' ${each}`))
    from = place + out.length + 1
    shift += add.length - remove.length
  }
  if (!made || way === 'back') parts.push(sh`some ${from} end`)
  return lines(...parts)
}

/** Prints what the file has become since, without our rules and blocks and with the removed ones between their neighbours. */
function loosely({ rules, hunks }: Change): Script {
  const keys = rules.flatMap(({ action, key }) => (action === 'add' ? [key] : []))
  const groups = hunks.filter(({ remove }) => remove.length > 0)
  const ours = keys.map((key) => sh`*${key}[' "']* | *${key}) return 0 ;;`)
  const back = groups.map(
    (
      { above, below, remove },
      index,
    ) => sh`if [ "$last" = ${above ?? ''}${above === null ? sh`"$newline"` : sh``} ] && [ "$1" = ${below ?? ''}${below === null ? sh`"$newline"` : sh``} ] && [ "$there" = "\${there#*:${index}:}" ]; then
  printf '%s\n' ${remove}
  back=$((back + 1))
fi`,
  )
  return lines(
    sh`last=$newline block= inside=no foreign=no back=0 there=`,
    ...groups.map(
      ({ remove }, index) =>
        sh`if grep -q -x -F -e ${remove[0] ?? ''} -- "$rules"; then there="$there:${index}:"; back=$((back + 1)); fi`,
    ),
    sh`out() { if [ "$inside" = yes ]; then block=$block$1$newline; else printf '%s\n' "$1"; fi; }
each() {
  case $1 in
    ${BLOCK_BEGIN}) inside=yes block= foreign=no; return 0 ;;
    ${BLOCK_END})
      inside=no
      if [ "$foreign" = yes ]; then printf '%s' "$block"; fi
      return 0 ;;`,
    ...ours,
    sh`    -A* | '['*) foreign=yes ;;
  esac
  :`,
    ...back,
    sh`  out "$1"
  last=$1
}
while IFS= read -r row || [ -n "$row" ]; do each "$row"; done < "$rules"
if [ "$inside" = yes ]; then printf '%s' "$block"; fi
set -- "$newline"`,
    ...back,
    sh`[ "$back" = ${groups.length} ] || { printf 'the place of what was removed from %s is not there any more\n' "$rules" >&2; exit 3; }`,
  )
}
