import type { PrivilegeFacts } from '../model/facts.ts'
import { known, type Reading, unknown } from '../model/reading.ts'
import { sh } from '../shell/script.ts'
import { type Fact, notUnderstood, readWith, wholeNumber } from './fact.ts'

// Root's name is looked up by nobody: on a host with a directory service that may take seconds.
const probe = sh`echo "uid $uid"
if [ "$uid" = 0 ]; then echo 'user root'; else echo "user $(id -un)"; fi
printf 'connection %s\n' "$ssh_connection"`

export const privilege: Fact<PrivilegeFacts> = {
  name: 'privilege',
  probes: [{ name: 'privilege', probe, bytes: 'own' }],
  parse(sections) {
    const ask = <T>(word: string, parse: (value: string) => Reading<T>) =>
      readWith(sections('privilege'), ({ code, output }) => {
        if (code !== 0) return unknown(`the probe of the privilege ended early, with code ${code}`)
        const value = new RegExp(`^${word} (.{0,300})$`, 'm').exec(output)?.[1]
        return value === undefined ? unknown(`the host did not say its ${word}`) : parse(value)
      })
    return {
      user: ask('user', (name) => (name === '' ? unknown('id -un printed nothing') : known(name))),
      root: ask('uid', (uid) => (/^\d+$/.test(uid) ? known(uid === '0') : unknown('id -u printed no number'))),
      sshPort: ask('connection', sshPortOf),
    }
  },
}

/** `client-address client-port server-address server-port`; nothing where we did not come over SSH. */
function sshPortOf(connection: string): PrivilegeFacts['sshPort'] {
  if (connection.trim() === '') return known(null)
  const port = wholeNumber(connection.trim().split(/\s+/)[3])
  return port !== undefined && port > 0 && port < 65_536 ? known(port) : notUnderstood('SSH_CONNECTION', connection)
}
