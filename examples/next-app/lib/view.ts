// What the page shows of a ticket: its record, and where its job is.
import { isEnqueueError, type JobState } from 'enqueue-boundary'
import { records } from './records'
import { ATTEMPTS, tickets } from './tickets'
import type { Desk, TicketState } from './types'

type Row = Awaited<ReturnType<typeof records.of>>[number]

const STATES: Record<JobState | 'missing', TicketState> = {
  missing: 'pending',
  waiting: 'queued',
  prioritized: 'queued',
  'waiting-children': 'queued',
  unknown: 'queued',
  delayed: 'retrying',
  active: 'active',
  completed: 'completed',
  failed: 'failed',
}

const ENDED = { done: 'completed', failed: 'failed' } as const

export async function deskOf(tenantId: string): Promise<Desk> {
  const rows = await records.of(tenantId)
  const unfinished = rows.filter(({ status }) => status === 'pending').map(({ jobId }) => jobId)
  const states = await statesOf(unfinished)
  const stateOf = ({ jobId, status }: Row) => (status === 'pending' ? (states?.get(jobId) ?? 'pending') : ENDED[status])
  return {
    queue: states === undefined ? 'unreachable' : 'reachable',
    tickets: rows.map((row) => ({
      ticketId: row.ticketId,
      summary: row.summary,
      state: stateOf(row),
      attempt: row.attempt,
      attempts: ATTEMPTS,
      failedAttempt: row.failedAttempt,
      reason: row.reason,
      category: row.category,
      priority: row.priority,
      createdAt: row.createdAt.toISOString(),
    })),
  }
}

/** Where the jobs are; undefined while the queue cannot be asked. The records are there to be shown all the same. */
async function statesOf(jobIds: string[]) {
  try {
    const states = await tickets.states(jobIds, { timeoutMs: 1000 })
    return new Map(jobIds.map((id, index) => [id, STATES[states[index] ?? 'unknown']]))
  } catch (error) {
    if (!isEnqueueError(error)) throw error
    console.error(error)
    return undefined
  }
}
