// Posts a ticket, and says in words for people what came of it. The route's own answer has all that is needed for it.
import type { Problem } from 'enqueue-boundary'

export type Field = 'ticketId' | 'summary'

export interface Said {
  tone: 'good' | 'info' | 'wait' | 'bad'
  title: string
  text?: string
  /** What is wrong with which field. */
  fields?: Partial<Record<Field, string>>
  /** When to come back. */
  until?: number
}

export interface TicketInput {
  tenantId: string
  ticketId: string
  summary: string
}

interface Taken {
  created?: boolean
  existing?: { state: string; sameData: boolean }
}

export async function fileTicket(ticket: TicketInput): Promise<Said> {
  let response: Response
  try {
    response = await fetch('/api/tickets', { method: 'POST', body: JSON.stringify(ticket) })
  } catch {
    return {
      tone: 'bad',
      title: 'No answer came',
      text: 'The connection broke. Send it again: the same number never makes a second ticket.',
    }
  }
  const answer = await response.json().catch(() => ({}))
  return response.ok ? taken(ticket, answer) : refused(ticket, answer)
}

const IS: Record<string, string> = {
  active: 'being worked on',
  completed: 'completed',
  failed: 'failed',
  delayed: 'about to be tried again',
}

function taken({ ticketId }: TicketInput, { created, existing }: Taken): Said {
  if (created) return { tone: 'good', title: `Ticket ${ticketId} is filed`, text: 'You can watch it in the list.' }
  const other = existing?.sameData === false ? ' What you wrote differs from it, and was not taken.' : ''
  return {
    tone: 'info',
    title: `Ticket ${ticketId} is here already`,
    text: `It is ${IS[existing?.state ?? ''] ?? 'queued'}.${other}`,
  }
}

const WRONG: Record<Field, Record<string, string>> = {
  ticketId: {
    too_small: 'Give the ticket a number.',
    too_big: 'At most 40 characters, please.',
    invalid_format: 'Letters, digits and hyphens only, please.',
  },
  summary: {
    too_small: 'Say in a few words what is wrong.',
    too_big: 'At most 500 characters, please.',
  },
}

function refused({ ticketId }: TicketInput, problem: Partial<Problem>): Said {
  switch (problem.code) {
    case 'INVALID_INPUT': {
      const fields: Said['fields'] = {}
      for (const { path, code, message } of problem.issues ?? []) {
        const field = path[0]
        if (field === 'ticketId' || field === 'summary') fields[field] ??= WRONG[field][code] ?? message
      }
      return { tone: 'bad', title: 'Not filed yet', text: 'Please look at what is marked.', fields }
    }
    case 'QUOTA_EXCEEDED':
      return {
        tone: 'wait',
        title: 'That is all for the moment',
        text: `The plan has room for ${problem.quota?.max ?? 'no more'} tickets a minute. Nothing was recorded.`,
        until: Date.now() + (problem.retryAfterMs ?? 1000),
      }
    case 'QUEUE_UNAVAILABLE':
    case 'OUTCOME_UNKNOWN':
      // Both come after the record, and the sweep sees to the rest.
      return {
        tone: 'wait',
        title: `Ticket ${ticketId} is on record`,
        text: 'The queue does not answer right now. Your ticket goes on by itself as soon as it does; there is nothing to do.',
      }
    case 'TENANT_MISMATCH':
      return {
        tone: 'bad',
        title: 'This is another tenant’s ticket',
        text: 'You are signed in as somebody else by now.',
      }
    default:
      return {
        tone: 'bad',
        title: 'That did not work',
        text: 'The fault is on our side. Please try again in a moment: the same number never makes a second ticket.',
      }
  }
}
