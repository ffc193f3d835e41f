import { openReference } from './reference.mjs'

export const open = (redisUrl) => openReference('bullmq', redisUrl)
