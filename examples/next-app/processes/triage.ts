// A category and a priority for a ticket. A list of words stands in for the slow model, and some words make it misbehave, so
// that there is something to see:
//   flaky   the first attempt of each run fails
//   stuck   all attempts of the first run fail; run again, it goes through
import { setTimeout as sleep } from 'node:timers/promises'

const CATEGORIES = {
  billing: /invoice|refund|charged|\bbill\b/,
  access: /log ?in|password|locked out|badge|\bmfa\b|account/,
  printing: /print|toner|paper/,
  network: /vpn|wi-?fi|internet|outage/,
  hardware: /laptop|monitor|battery|scanner|keyboard|headset/,
  software: /crash|frozen|error|not responding|app\b|export|database/,
}

const URGENT = /on fire|urgent|asap|at once/

export async function triage(summary: string, { run, attempt }: { run: number; attempt: number }) {
  await sleep(Number(process.env.TRIAGE_MS ?? 1500))
  const words = summary.toLowerCase()
  if (/flaky/.test(words) && attempt === 1) throw new Error('the model did not answer in time')
  if (/stuck/.test(words) && run === 1) throw new Error('the model made no sense of it')
  const match = Object.entries(CATEGORIES).find(([, pattern]) => pattern.test(words))
  return { category: match?.[0] ?? 'other', priority: URGENT.test(words) ? 'high' : 'normal' }
}
