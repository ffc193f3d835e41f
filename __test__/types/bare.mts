// Compiled, never run: a consumer who has neither the library `dom` nor @types/node.
import { type EnqueueError, type JsonRequest, Pipeline, readJson, ticketTriageDefinition } from 'enqueue-boundary'

declare const request: JsonRequest
declare const error: EnqueueError
export const body: unknown = await readJson(request)
export const status: number = error.toResponse().status
// @ts-expect-error what has no body is no request
await readJson({})
new Pipeline({ ...ticketTriageDefinition, connection: 'redis://127.0.0.1' })
// @ts-expect-error a connection is a URL or an object
new Pipeline({ ...ticketTriageDefinition, connection: 1 })
// @ts-expect-error the library must not be there, or this compiles nothing of what it is for
export type Absent = typeof Response
