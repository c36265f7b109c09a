import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { must, poll, run } from '../lab/command.ts'

/** A real terminal with a shell in it, as a person would sit at. */
export interface Screen extends AsyncDisposable {
  /** Types a line and presses Enter. */
  type(line: string): Promise<void>
  /** Types without pressing Enter. */
  keys(text: string): Promise<void>
  /** Presses a key: `C-c`, `Enter`. */
  press(key: string): Promise<void>
  /** All that was ever shown, lines that the terminal broke joined again, without what came before the last `clear`. */
  text(): Promise<string>
  /** The same in the lines that the terminal shows, broken ones among them. */
  lines(): Promise<string>
  /** The same with colours as escape codes. */
  coloured(): Promise<string>
  /** Waits until the text matches; throws with the text when it does not. */
  until(pattern: RegExp, seconds?: number): Promise<string>
  /** Forgets all that was shown. */
  clear(): Promise<void>
  /** What a program on the terminal may set behind our back: its title, and whether it is a second screen. */
  state(): Promise<string>
  /** The window is made wider or narrower under the program, which hears of it. */
  resize(columns: number): Promise<void>
}

const TMUX = '/usr/bin/tmux'

let opened = 0

export function canOpenScreen(): { readonly ok: true } | { readonly ok: false; readonly why: string } {
  return existsSync(TMUX) ? { ok: true } : { ok: false, why: 'tmux is not installed' }
}

/** One whose shell is in `dir`, with nothing on it yet. */
export async function openScreenIn(...how: Parameters<typeof openScreen>): Promise<Screen> {
  const screen = await openScreen(...how)
  await screen.until(/\$/)
  await screen.type(`cd ${how[0].dir}; echo ready`)
  await screen.until(/^ready$/m)
  await screen.clear()
  return screen
}

/** A tmux server of its own, whose socket is in `dir`, as are the programs that come first; it ends with the screen. */
export async function openScreen(
  { dir, columns }: { readonly dir: string; readonly columns: number },
  env: { readonly [name: string]: string },
): Promise<Screen> {
  // The server of the screen before may still be at its end.
  const tmux = [TMUX, '-u', '-S', join(dir, `tmux-${++opened}`), '-f', '/dev/null']
  const environment = { PATH: `${dir}:${process.env.PATH}`, HOME: dir, LC_ALL: 'C.UTF-8', ...env }
  const start = ['set-option', '-g', 'history-limit', '20000', ';', 'new-session', '-d', '-x', `${columns}`, '-y', '40']
  await must([...tmux, ...start, 'exec env PS1="$ " sh'], { env: environment })
  const capture = async (...more: string[]) => await must([...tmux, 'capture-pane', '-p', '-S', '-', ...more])
  const text = async () => (await capture('-J')).trimEnd()
  return {
    type: async (line) => {
      await must([...tmux, 'send-keys', '-l', '--', line])
      await must([...tmux, 'send-keys', 'Enter'])
    },
    keys: async (text) => void (await must([...tmux, 'send-keys', '-l', '--', text])),
    press: async (key) => void (await must([...tmux, 'send-keys', key])),
    text,
    lines: async () => (await capture()).trimEnd(),
    coloured: async () => await capture('-J', '-e'),
    until: async (pattern, seconds = 40) => {
      const found = await poll(
        async () => {
          const now = await text()
          return pattern.test(now) ? now : undefined
        },
        { everyMs: 100, timeoutSeconds: seconds },
      )
      if (found !== undefined) return found
      throw new Error(`the terminal never showed ${pattern}, but:\n${await text()}`)
    },
    clear: async () => {
      await must([...tmux, 'send-keys', '-R'])
      await must([...tmux, 'clear-history'])
    },
    state: async () => (await must([...tmux, 'display-message', '-p', '#{pane_title} #{alternate_on}'])).trim(),
    resize: async (columns) => void (await must([...tmux, 'resize-window', '-x', `${columns}`, '-y', '40'])),
    [Symbol.asyncDispose]: async () => void (await run([...tmux, 'kill-server'])),
  }
}
