// As app/api/exports/route.ts of a Next.js project would have it.
import { isEnqueueError, readJson } from 'enqueue-boundary'
import { enqueueExport } from './exports.ts'

export async function POST(request: Request): Promise<Response> {
  try {
    const caller = { orgId: request.headers.get('x-org') ?? '' }
    const result = await enqueueExport(await readJson(request), caller)
    return Response.json(result, { status: result.created ? 202 : 200 })
  } catch (error) {
    if (isEnqueueError(error)) return error.toResponse()
    throw error
  }
}
