import { InputError, together } from '../input/complaint.ts'

type Checks = { readonly [name: string]: () => unknown }
type Checked<T extends Checks> = { readonly [K in keyof T]: Awaited<ReturnType<T[K]>> }

/**
 * Makes every check, and only then complains: a person mends all mistakes in one go.
 * @throws InputError with the complaints of all checks, in their order.
 */
export async function checkAll<T extends Checks>(checks: T): Promise<Checked<T>> {
  const wrong: InputError[] = []
  const values: { [name: string]: unknown } = {}
  for (const [name, check] of Object.entries(checks)) {
    try {
      values[name] = await check()
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      wrong.push(error)
    }
  }
  if (wrong.length > 0) throw together(wrong)
  return values as Checked<T>
}

/** A complaint about an option or an argument of the command line. */
export function complainAbout(option: string, message: string, hint: string | null = null): InputError {
  return new InputError([{ file: option, line: null, column: null, path: '', message, hint }])
}
