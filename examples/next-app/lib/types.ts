// What goes to the browser.
export type TicketState = 'pending' | 'queued' | 'retrying' | 'active' | 'completed' | 'failed'

export interface Ticket {
  ticketId: string
  summary: string
  state: TicketState
  /** The last one that was begun, from 1; 0 before the first. */
  attempt: number
  attempts: number
  /** The last one that failed, and why; 0 and null where none has. */
  failedAttempt: number
  reason: string | null
  category: string | null
  priority: string | null
  createdAt: string
}

export interface Desk {
  queue: 'reachable' | 'unreachable'
  tickets: Ticket[]
}
