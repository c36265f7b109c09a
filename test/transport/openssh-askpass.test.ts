import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { askpassProgram, type Question, questionOf, wantedBy } from '../../src/transport/openssh-askpass.ts'

test('a question is known by what it is after', () => {
  expect(wantedBy("Enter passphrase for key '/home/o/it's.key': ")).toEqual({
    type: 'passphrase',
    keyFile: "/home/o/it's.key",
  })
  for (const words of [
    "root@192.0.2.1's password: ",
    '(root@db) Password: ',
    '(o@db) Passwort: ',
    '(o@db) パスワード: ',
  ])
    expect(wantedBy(words), words).toEqual({ type: 'password' })
  for (const words of [
    ...['Are you sure you want to continue connecting (yes/no/[fingerprint])? ', '(o@db) Verification code: '],
    ...[
      "Enter PIN for 'token': ",
      'Enter PIN for ED25519-SK key /k: ',
      '(o@db) New password: ',
      '(o@db) Passcode or option: ',
    ],
    ...['Enter passphrase for PKCS#11 token', '(o@db) Username: ', '(o@db) Geben Sie etwas ein: '],
  ])
    expect(wantedBy(words), words).toEqual({ type: 'other' })
})

test('the program prints what it is told, however that is spelt, and nothing where it is told nothing', async () => {
  const secret = ' a\\b "c" $(id) é% -n '
  expect(await asked('Password: ', async (question) => await question.tell(secret))).toEqual({
    code: 0,
    stdout: `${secret}\n`,
    words: 'Password: ',
  })
  expect(await asked('Really?\nyes', async (question) => await question.decline())).toEqual({
    code: 1,
    stdout: '',
    words: 'Really?\nyes',
  })
})

test('what only wants to be shown asks nobody, and a question without a secret is answered with no', async () => {
  expect(await asked('Confirm user presence', null, { SSH_ASKPASS_PROMPT: 'none' })).toMatchObject({ code: 0 })
  expect(await asked('Allow use of key?', null, { SSH_ASKPASS_PROMPT: 'confirm' })).toMatchObject({ code: 1 })
})

/** Runs it as ssh would. */
async function asked(
  words: string,
  answer: ((question: Question) => Promise<void>) | null,
  env: NodeJS.ProcessEnv = {},
) {
  const directory = await mkdtemp(join(tmpdir(), 'ctfleet-askpass-'))
  const program = join(directory, 'askpass')
  await writeFile(program, askpassProgram('NONCE'), { mode: 0o700 })
  let heard = ''
  try {
    return await new Promise((resolve, reject) => {
      const child = execFile(program, [words], { env: { PATH: process.env.PATH, ...env } }, (error, stdout) =>
        resolve({ code: error?.code ?? 0, stdout, ...(answer === null ? {} : { words: heard }) }),
      )
      child.stderr?.on('data', (line: string) => {
        const [, number = ''] = /^NONCE (\d+)\n$/.exec(line) ?? []
        const answering = questionOf(program, number).then(async (question) => {
          heard = question.words
          await answer?.(question)
        })
        answering.catch(reject)
      })
    })
  } finally {
    await rm(directory, { recursive: true })
  }
}
