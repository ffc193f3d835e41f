import { openReference } from './reference.mjs'

export const open = (redisUrl) => openReference('bullmq5', redisUrl)
