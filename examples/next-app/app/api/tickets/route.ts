import { isEnqueueError, readJson } from 'enqueue-boundary'
import { storageUnavailable, unauthenticated } from '@/lib/problems'
import { records } from '@/lib/records'
import { currentTenant } from '@/lib/session'
import { tickets } from '@/lib/tickets'
import { deskOf } from '@/lib/view'

/** 202 for a new ticket, 200 for one that is there. */
export async function POST(request: Request) {
  try {
    const tenant = await currentTenant()
    if (tenant === undefined) return unauthenticated()
    const result = await tickets.enqueue(await readJson(request, { limit: 16_384 }), records, {
      caller: { tenantId: tenant.id },
    })
    return Response.json(result, { status: result.status === 'queued' && result.created ? 202 : 200 })
  } catch (error) {
    const answer = isEnqueueError(error) ? error.toResponse() : storageUnavailable()
    if (answer.status >= 500) console.error(error)
    return answer
  }
}

/** The tickets of whoever asks, and of nobody else. */
export async function GET() {
  try {
    const tenant = await currentTenant()
    if (tenant === undefined) return unauthenticated()
    return Response.json(await deskOf(tenant.id), { headers: { 'cache-control': 'no-store' } })
  } catch (error) {
    console.error(error)
    return storageUnavailable()
  }
}
