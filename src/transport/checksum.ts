export { cksum } from '../shell/cksum.ts'
