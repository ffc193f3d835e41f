import { openReference } from './reference.mjs'

export const open = (redisUrl, spec) => openReference('bullmq5', redisUrl, spec)
