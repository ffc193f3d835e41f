import { openReference } from './reference.mjs'

export const open = (redisUrl, spec) => openReference('bullmq', redisUrl, spec)
