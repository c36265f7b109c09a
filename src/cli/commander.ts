/** The one door to commander. */
export { Command, CommanderError, Help, Option } from 'commander'
