/** What is asked of a page from within it: text, since nothing here knows the types of a browser. */

/** Whether the tripwire of the hostile corpus was touched. */
export const BREACH = 'window.BREACH ?? null'

/** Every part unfolded, every link focused, down to the end. */
export const READ_THROUGH = `
  for (const details of document.querySelectorAll('details')) details.open = true
  for (const link of document.querySelectorAll('a')) link.focus()
  window.scrollTo(0, document.body.scrollHeight)`

/** What stands in a folded part and is not seen. */
export const FOLDED = `[...document.querySelectorAll('details > :not(summary)')]
  .filter((each) => each.getBoundingClientRect().height === 0 && each.textContent.trim() !== '')
  .map((each) => each.textContent.slice(0, 60))`

/** Elements that stand out of the window, or are cut at their own edge; the heads of tables for who has them read aloud are meant to be. */
export const CUT_OFF = `[...document.querySelectorAll('body *')].flatMap((each) => {
  if (each.closest('svg, thead') !== null) return []
  const isOut = each.getBoundingClientRect().right > document.documentElement.clientWidth + 1
  const isCut = each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).overflowX !== 'visible'
  return isOut || isCut ? [each.tagName + ' ' + each.className + ' ' + each.textContent.slice(0, 60)] : []
})`

export const GROUND = 'getComputedStyle(document.body).backgroundColor'

export const WORDS = 'document.body.textContent'

/** What axe has against the page, once its source is there: how bad, which rule, and where first. */
export const FAULTS = `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
  violations.map(({ id, impact, nodes }) => impact + ' ' + id + ': ' + nodes[0].html.slice(0, 200)))`
