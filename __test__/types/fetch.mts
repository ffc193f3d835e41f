// Compiled, never run: a consumer who has the types of Fetch, from the library `dom` or from @types/node.
import { EnqueueError, Pipeline, readJson, ticketTriageDefinition } from 'enqueue-boundary'

export async function POST(request: Request): Promise<Response> {
  try {
    const body: unknown = await readJson(request, { limit: 1000 })
    return Response.json(body)
  } catch (error) {
    if (error instanceof EnqueueError) return error.toResponse()
    throw error
  }
}
// A response of theirs is a request as far as its body goes.
await readJson(new Response('{}'))
await readJson({ body: new ReadableStream<Uint8Array>() })
new Pipeline({ ...ticketTriageDefinition, connection: new URL('redis://127.0.0.1') })

// @ts-expect-error a body as text is none
await readJson({ body: '{}' })
// @ts-expect-error what has no body is no request
await readJson(new Headers())
// @ts-expect-error a limit is a number
await readJson(new Request('http://localhost'), { limit: '1 MB' })
// @ts-expect-error there is no such option
await readJson(new Request('http://localhost'), { timeoutMs: 1 })
