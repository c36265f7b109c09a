import { quote } from '../../shell/script.ts'
import { COMPLETE } from './word.ts'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/**
 * A script for a shell. It knows no commands itself: it asks `complete` at each Tab, so it stays right after an update.
 * @param program how ctfleet is started: the words before its own
 */
export function completionScript(shell: Shell, program: readonly string[]): string {
  return SCRIPTS[shell](program)
}

const SCRIPTS: Readonly<Record<Shell, (program: readonly string[]) => string>> = {
  bash: (program) => `# ctfleet completion for bash: . <(ctfleet completion bash)
_ctfleet() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$line" = :files ]; then
      compopt -o filenames 2> /dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")
    else
      COMPREPLY+=("\${line%%$'\\t'*}")
    fi
  done < <(${typed(program)} ${COMPLETE} bash "\${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null < /dev/null)
}
complete -F _ctfleet ctfleet
`,
  zsh: (program) => `#compdef ctfleet
# ctfleet completion for zsh, after compinit: . <(ctfleet completion zsh)
_ctfleet() {
  local line files=
  local -a values shown
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      files=1
    else
      values+=("\${line%%$'\\t'*}")
      shown+=("\${line/$'\\t'/  -- }")
    fi
  done < <(${typed(program)} ${COMPLETE} zsh "\${(@)words[2,CURRENT]}" 2> /dev/null < /dev/null)
  (( $#values )) && compadd -l -d shown -a values
  [[ -n $files ]] && _files
  (( $#values )) || [[ -n $files ]]
}
compdef _ctfleet ctfleet
`,
  fish: (program) => `# ctfleet completion for fish: ctfleet completion fish | source
function __ctfleet_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in (${program.map(fishWord).join(' ')} ${COMPLETE} fish $words[2..-1] "$current" 2> /dev/null < /dev/null)
        if test "$line" = :files
            __fish_complete_path "$current"
        else
            echo $line
        end
    end
end
complete -c ctfleet -f -a '(__ctfleet_complete)'
`,
}

function typed(program: readonly string[]): string {
  return program.map(quote).join(' ')
}

/** In fish's single quotes a backslash takes the meaning from a quote and from itself. */
function fishWord(word: string): string {
  return `'${word.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
