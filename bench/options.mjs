// The command line of the bench.
import { parseArgs } from 'node:util'

export const SIDES = ['ours', 'bullmq6', 'bullmq5']

export const HELP = `npm run bench -- [options]

  --sides a,b       what to compare, the first against each other one (default ours,bullmq6; also bullmq5)
  --callers n,n     numbers of concurrent callers (default 1,64,1000)
  --seconds s       length of one timed window (default 3)
  --rounds n        rounds of each side at each number of callers (default 5)
  --quick           2 rounds of 1 second, where --rounds and --seconds say nothing else
  --no-pin          leave Redis and the load to the scheduler instead of giving each its own core
  --json file       write every round and the summary to a file as well
  --help`

/** Thrown for a command line that cannot be meant; its message is for the person who typed it. */
export class UsageError extends Error {}

function list(name, text, parse) {
  const items = text.split(',').map((item) => parse(name, item.trim()))
  if (new Set(items).size < items.length) throw new UsageError(`--${name} names something twice: ${text}`)
  return items
}

function side(name, text) {
  if (!SIDES.includes(text)) throw new UsageError(`--${name} knows ${SIDES.join(', ')}, not "${text}"`)
  return text
}

function whole(name, text) {
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new UsageError(`--${name} takes whole numbers from 1 to 999999, not "${text}"`)
  return Number(text)
}

function seconds(name, text) {
  const value = Number(text)
  if (!(value >= 0.1 && value <= 600)) throw new UsageError(`--${name} takes seconds from 0.1 to 600, not "${text}"`)
  return value
}

/** @returns {{ help: true } | { sides: string[], callers: number[], seconds: number, rounds: number, pin: boolean, json?: string }} */
export function parseOptions(argv) {
  let values
  try {
    ;({ values } = parseArgs({
      args: argv,
      options: {
        sides: { type: 'string', default: 'ours,bullmq6' },
        callers: { type: 'string', default: '1,64,1000' },
        seconds: { type: 'string' },
        rounds: { type: 'string' },
        quick: { type: 'boolean', default: false },
        'no-pin': { type: 'boolean', default: false },
        json: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }))
  } catch (error) {
    throw new UsageError(error.message)
  }
  if (values.help) return { help: true }
  return {
    sides: list('sides', values.sides, side),
    callers: list('callers', values.callers, whole),
    seconds: seconds('seconds', values.seconds ?? (values.quick ? '1' : '3')),
    rounds: whole('rounds', values.rounds ?? (values.quick ? '2' : '5')),
    pin: !values['no-pin'],
    json: values.json,
  }
}
