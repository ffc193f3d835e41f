'use client'
import { useEffect, useRef, useState } from 'react'
import type { Desk as DeskData } from '@/lib/types'
import { fileTicket, type TicketInput } from './file-ticket'
import { TicketForm } from './ticket-form'
import { STATE_WORDS, TicketList } from './ticket-list'
import { useDesk } from './use-desk'

interface Props {
  tenant: { id: string; name: string; plan: string }
  initial: DeskData
}

export function Desk({ tenant, initial }: Props) {
  const { desk, online, refresh } = useDesk(initial)
  const news = useNews(desk)
  const file = async (ticket: Omit<TicketInput, 'tenantId'>) => {
    const said = await fileTicket({ tenantId: tenant.id, ...ticket })
    await refresh()
    return said
  }
  return (
    <main className="desk">
      <TicketForm tenant={tenant} file={file} />
      <section aria-labelledby="list-title" className="list">
        <div className="list-head">
          <h2 id="list-title">Tickets of {tenant.name}</h2>
          <Link online={online} queue={desk.queue} />
        </div>
        <TicketList tickets={desk.tickets} runAgain={file} />
      </section>
      <p className="unseen" aria-live="polite" data-testid="news">
        {news}
      </p>
    </main>
  )
}

/** What a list that changes by itself says to those who do not see it. */
function useNews({ tickets }: DeskData) {
  const [news, setNews] = useState('')
  const before = useRef(new Map(tickets.map(({ ticketId, state }) => [ticketId, state])))
  useEffect(() => {
    const changed = tickets.filter(({ ticketId, state }) => before.current.get(ticketId) !== state)
    before.current = new Map(tickets.map(({ ticketId, state }) => [ticketId, state]))
    if (changed.length > 0) {
      setNews(
        changed.map(({ ticketId, state }) => `Ticket ${ticketId} is ${STATE_WORDS[state].toLowerCase()}.`).join(' '),
      )
    }
  }, [tickets])
  return news
}

function Link({ online, queue }: { online: boolean; queue: DeskData['queue'] }) {
  const [kind, text] = !online
    ? ['away', 'No answer from the server, trying again']
    : queue === 'unreachable'
      ? ['away', 'The queue is away; tickets are recorded and wait']
      : ['live', 'Live']
  return (
    <p className="link" data-kind={kind} role="status">
      {text}
    </p>
  )
}
