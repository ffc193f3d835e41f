// Every option of ioredis and BullMQ is in one of our lists. A new one of theirs does not compile here, until somebody
// has decided whether it is honoured, refused or ignored.
import type { ClusterOptions as ClusterOptions6, RedisOptions as RedisOptions6 } from 'bullmq'
import type { ClusterOptions as ClusterOptions5, RedisOptions as RedisOptions5 } from 'bullmq5'
import type { ClusterOptions, RedisOptions } from 'ioredis'
import type lists from '../../../lib/connection/options.js'

type Listed = (typeof lists.HONOURED)[number] | (typeof lists.IGNORED)[number] | keyof typeof lists.REFUSED
/** The names that a type has, without its index signature. */
type Named<T> = keyof { [K in keyof T as string extends K ? never : number extends K ? never : K]: true }
type Theirs =
  | Named<RedisOptions>
  | Named<ClusterOptions>
  | Named<RedisOptions5>
  | Named<ClusterOptions5>
  | Named<RedisOptions6>
  | Named<ClusterOptions6>

const unlisted: Exclude<Theirs, Listed>[] = []
void (unlisted satisfies never[])

// And each list has real names in it: what is of ours alone stands here.
const invented: Exclude<Listed, Theirs | 'cluster'>[] = []
void (invented satisfies never[])
