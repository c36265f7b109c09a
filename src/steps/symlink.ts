import { z } from '../input/schema.ts'
import { known, unknown } from '../model/reading.ts'
import { sh } from '../shell/script.ts'
import type { StepKindSpec } from './step-kind.ts'

type Want = { readonly path: string; readonly target: string }
/** null: nothing is there. */
type State = { readonly target: string | null; readonly directory: 'present' | 'absent' }

const absolute = z
  .string()
  .regex(/^(?:\/(?!\.\.?(?:\/|$))[A-Za-z0-9._@-]+)+$/, 'expected an absolute path without special characters')

/** A symbolic link where there was nothing, as enables a service at boot. */
export const symlink: StepKindSpec<Want, State> = {
  kind: 'symlink',
  summary: 'makes a symbolic link, as enables a service at boot',
  phase: 'persist',
  want: z.strictObject({ path: absolute, target: absolute }),
  title: ({ path, target }) => `link ${path} to ${target}`,
  probe: ({ path }) => sh`if [ -L ${path} ]; then
  printf 'link '
  readlink -- ${path}
elif [ -e ${path} ]; then echo other
elif [ -d ${directoryOf(path)} ]; then echo absent
elif [ -d ${directoryOf(directoryOf(path))} ]; then echo absent with its directory
else echo nowhere
fi`,
  read(probed, { path }) {
    if (probed === 'absent\n') return known({ target: null, directory: 'present' })
    if (probed === 'absent with its directory\n') return known({ target: null, directory: 'absent' })
    const target = /^link (.+)\n$/.exec(probed)?.[1]
    if (target !== undefined) return known({ target, directory: 'present' })
    return unknown(
      probed === 'nowhere\n' ? `the directory above ${directoryOf(path)} is not there` : `${path} is no symbolic link`,
    )
  },
  goal(now, { path, target }) {
    if (now.target !== null && now.target !== target) return { impossible: `${path} leads to ${now.target}` }
    return { target, directory: 'present' }
  },
  transition(_from, to, { path, target }) {
    if (to.target === null) {
      return sh`if [ "$(readlink -- ${path})" = ${target} ]; then rm -f -- ${path} || exit 1; fi
${to.directory === 'absent' ? sh`rmdir -- ${directoryOf(path)} 2> /dev/null || :` : sh`:`}`
    }
    // One call makes it whole or not at all.
    return sh`[ "$(readlink -- ${path} 2> /dev/null)" = ${target} ] && exit 0
[ -d ${directoryOf(path)} ] || ( umask 0022; mkdir -- ${directoryOf(path)} ) || exit 1
ln -s -- ${target} ${path}`
  },
  // A directory that cannot be written, as on a disk that is read-only, is found before anything is changed.
  stage: (_from, _to, { path }) => ({
    stage: sh`[ -d ${directoryOf(path)} ] || exit 0
rm -f -- ${`${path}.ctfleet-staged`}
: > ${`${path}.ctfleet-staged`} && rm -f -- ${`${path}.ctfleet-staged`}`,
    unstage: sh`rm -f -- ${`${path}.ctfleet-staged`}`,
  }),
  show: ({ target }) => [target === null ? '(no such link)' : `leads to ${target}`],
}

function directoryOf(path: string): string {
  return path.replace(/\/[^/]*$/, '') || '/'
}
