/** The word by which the shells' scripts ask what can stand at the cursor; no command that help shows. */
export const COMPLETE = 'complete'
