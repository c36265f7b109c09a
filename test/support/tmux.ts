import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { must, poll, run } from '../lab/command.ts'

/** A real terminal with a shell in it, as a person would sit at. */
export interface Screen extends AsyncDisposable {
  /** Types a line and presses Enter. */
  type(line: string): Promise<void>
  /** Presses a key: `C-c`, `Enter`. */
  press(key: string): Promise<void>
  /** All that was ever shown, lines that the terminal broke joined again, without what came before the last `clear`. */
  text(): Promise<string>
  /** The same with colours as escape codes. */
  coloured(): Promise<string>
  /** Waits until the text matches; throws with the text when it does not. */
  until(pattern: RegExp, seconds?: number): Promise<string>
  /** Forgets all that was shown. */
  clear(): Promise<void>
}

const TMUX = '/usr/bin/tmux'

export function canOpenScreen(): { readonly ok: true } | { readonly ok: false; readonly why: string } {
  return existsSync(TMUX) ? { ok: true } : { ok: false, why: 'tmux is not installed' }
}

/** A tmux server of its own, whose socket is in `dir`, as are the programs that come first; it ends with the screen. */
export async function openScreen(
  { dir, columns }: { readonly dir: string; readonly columns: number },
  env: { readonly [name: string]: string },
): Promise<Screen> {
  const tmux = [TMUX, '-u', '-S', join(dir, `tmux-${columns}`), '-f', '/dev/null']
  const environment = { PATH: `${dir}:${process.env.PATH}`, HOME: dir, LC_ALL: 'C.UTF-8', ...env }
  const start = ['set-option', '-g', 'history-limit', '20000', ';', 'new-session', '-d', '-x', `${columns}`, '-y', '40']
  await must([...tmux, ...start, 'exec env PS1="$ " sh'], { env: environment })
  const capture = async (...more: string[]) => await must([...tmux, 'capture-pane', '-p', '-J', '-S', '-', ...more])
  const text = async () => (await capture()).trimEnd()
  return {
    type: async (line) => {
      await must([...tmux, 'send-keys', '-l', '--', line])
      await must([...tmux, 'send-keys', 'Enter'])
    },
    press: async (key) => void (await must([...tmux, 'send-keys', key])),
    text,
    coloured: async () => await capture('-e'),
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
    [Symbol.asyncDispose]: async () => void (await run([...tmux, 'kill-server'])),
  }
}
