import { randomNftRules } from './nft-rule-sets.ts'
import { Random } from './random.ts'
import { PLAIN, World } from './world.ts'

await using world = await World.open(PLAIN)

let bad = 0
for (let seed = 1; seed <= 150; seed += 1) {
  const rules = randomNftRules(new Random(seed), PLAIN)
  const c = await world.loadNft(rules)
  if (c === null) continue
  bad += 1
  if (bad <= 12) console.log(seed, c.split('\n').slice(0, 4).join('\n'))
}
console.log('bad', bad)
