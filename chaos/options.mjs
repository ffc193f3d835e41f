// The command line of the chaos run.
import { readOptions as read, UsageError, whole } from '../tools/options.js'

const MOST = 99_999_999

export const HELP = `npm run chaos -- [options]

  --seed n         which faults come when, and which calls are made (default: another each time)
  --calls n        how many calls in all (default 1000000)
  --processes n    from how many processes (default 4)
  --tls            all processes over TLS
  --plain          none over TLS; without either option every other one is, where the server has TLS
  --rounds n       how often each kind of fault comes (default: once in 250000 calls)
  --grace ms       how long after its deadline a call may settle, not counting the time in which its process did not get
                   to run; 50 is what is promised on a machine that is not overloaded (default 250)
  --quick          20000 calls and faults of at most half a second, where the other options say nothing else
  --help`

const KINDS = {
  seed: 'string',
  calls: 'string',
  processes: 'string',
  rounds: 'string',
  grace: 'string',
  tls: 'boolean',
  plain: 'boolean',
  quick: 'boolean',
  help: 'boolean',
}

export function readOptions(args) {
  const { help = false, quick = false, tls, plain, ...values } = read(args, KINDS)
  const number = (name, usual, least = 1) => whole(name, values[name] ?? `${usual}`, least, MOST)
  if (tls && plain) throw new UsageError('--tls and --plain exclude each other')
  const calls = number('calls', quick ? 20_000 : 1_000_000)
  return {
    help,
    calls,
    seed: number('seed', Math.floor(Math.random() * 1e6), 0),
    processes: number('processes', 4),
    ways: tls ? ['TLS'] : plain ? ['TCP'] : ['TCP', 'TLS'],
    rounds: number('rounds', Math.max(1, Math.round(calls / 250_000))),
    graceMs: number('grace', 250, 0),
    longestMs: quick ? 500 : 1500,
  }
}
