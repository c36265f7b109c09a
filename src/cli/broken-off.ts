/** Somebody pressed Ctrl-C at a question before anything was begun. */
export class BrokenOff extends Error {
  override name = 'BrokenOff'
}
