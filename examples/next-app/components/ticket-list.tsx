'use client'
import { useEffect, useState } from 'react'
import type { Ticket, TicketState } from '@/lib/types'
import type { Said, TicketInput } from './file-ticket'
import { Icon } from './icon'
import './ticket-list.css'

export const STATE_WORDS: Record<TicketState, string> = {
  pending: 'Recorded',
  queued: 'Queued',
  retrying: 'Waiting for the next try',
  active: 'In work',
  completed: 'Completed',
  failed: 'Failed',
}

/** How far each state is on the way. */
const WAY = ['Recorded', 'Queued', 'In work', 'Done'] as const
const REACHED: Record<TicketState, number> = { pending: 1, queued: 2, retrying: 3, active: 3, completed: 4, failed: 4 }

interface Props {
  tickets: Ticket[]
  runAgain: (ticket: Omit<TicketInput, 'tenantId'>) => Promise<Said>
}

export function TicketList({ tickets, runAgain }: Props) {
  if (tickets.length === 0) {
    return (
      <div className="empty">
        <Icon state="queued" />
        <p>No tickets yet. File one, and watch where it goes.</p>
      </div>
    )
  }
  return (
    <ol className="tickets">
      {tickets.map((ticket) => (
        <TicketCard key={ticket.ticketId} ticket={ticket} runAgain={runAgain} />
      ))}
    </ol>
  )
}

function TicketCard({ ticket, runAgain }: { ticket: Ticket; runAgain: Props['runAgain'] }) {
  const { ticketId, summary, state } = ticket
  const title = `ticket-${ticketId}`
  return (
    <li className="card ticket" data-state={state} aria-labelledby={title}>
      <div className="ticket-head">
        <h3 id={title} tabIndex={-1}>
          {ticketId}
        </h3>
        <span className="badge">
          <Icon state={state} />
          {STATE_WORDS[state]}
        </span>
        <Moment of={ticket.createdAt} />
      </div>
      <p className="summary">{summary}</p>
      <div className="way" aria-hidden="true">
        {WAY.map((step, index) => (
          <span key={step} data-reached={index < REACHED[state]}>
            {index === 3 && state === 'failed' ? 'Failed' : step}
          </span>
        ))}
      </div>
      <Verdict ticket={ticket} />
      {state === 'failed' && <RunAgain ticket={ticket} runAgain={runAgain} />}
    </li>
  )
}

function Moment({ of }: { of: string }) {
  const [time, setTime] = useState('')
  // The server's hour is not the browser's: this is for the browser to say.
  useEffect(() => {
    setTime(new Date(of).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' }))
  }, [of])
  return <time dateTime={of}>{time}</time>
}

/** What came of it so far. */
function Verdict({ ticket }: { ticket: Ticket }) {
  const { state, attempt, attempts, failedAttempt, reason, category, priority } = ticket
  if (state === 'completed') {
    return (
      <p className="verdict">
        {category && <span className="tag">{category}</span>}
        {priority === 'high' && <span className="tag urgent">high priority</span>}
        {attempt > 1 && <span>{`at attempt ${attempt} of ${attempts}`}</span>}
      </p>
    )
  }
  if (attempt === 0) return null
  const failed = failedAttempt === attempts ? `All ${attempts} attempts` : `Attempt ${failedAttempt} of ${attempts}`
  return (
    <p className="verdict">
      {attempt > failedAttempt && <span>{`Attempt ${attempt} of ${attempts}`}</span>}
      {reason !== null && <span className="failure">{`${failed} failed: ${reason}.`}</span>}
    </p>
  )
}

function RunAgain({ ticket: { ticketId, summary }, runAgain }: { ticket: Ticket; runAgain: Props['runAgain'] }) {
  const [said, setSaid] = useState<Said>()
  const [busy, setBusy] = useState(false)
  async function run() {
    if (busy) return
    setBusy(true)
    const said = await runAgain({ ticketId, summary })
    setBusy(false)
    setSaid(said.tone === 'good' ? undefined : said)
    // Where it went well the ticket itself says so, and this button is gone: the focus goes to what it was of.
    if (said.tone === 'good') document.getElementById(`ticket-${ticketId}`)?.focus()
  }
  return (
    <div className="again">
      <button type="button" onClick={run} aria-disabled={busy}>
        {busy ? 'Filing…' : 'Run again'}
        <span className="unseen"> ticket {ticketId}</span>
      </button>
      <span role="status">{said && `${said.title}. ${said.text ?? ''}`}</span>
    </div>
  )
}
