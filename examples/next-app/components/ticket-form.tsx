'use client'
import { type FormEvent, useRef, useState, useSyncExternalStore } from 'react'
import type { Field, Said, TicketInput } from './file-ticket'
import { Notice } from './notice'
import './ticket-form.css'

interface Props {
  tenant: { name: string; plan: string }
  file: (ticket: Omit<TicketInput, 'tenantId'>) => Promise<Said>
}

/** What processes/worker.ts makes of them. */
const EXAMPLES = [
  { label: 'goes well', summary: 'The printer on the second floor is on fire' },
  { label: 'flaky', summary: 'Flaky VPN, it drops out every few minutes' },
  { label: 'stuck', summary: 'Invoice 4711 is stuck, please refund it' },
]

/** Whether the browser has the page running. Before that it would send the form by itself, past the route, and with its words in the URL. */
const useRunning = () =>
  useSyncExternalStore(
    () => () => {},
    () => true,
    () => false,
  )

export function TicketForm({ tenant, file }: Props) {
  const [ticketId, setTicketId] = useState('')
  const [summary, setSummary] = useState('')
  const [said, setSaid] = useState<Said>()
  const [busy, setBusy] = useState(false)
  const disabled = !useRunning()
  const inputs = { ticketId: useRef<HTMLInputElement>(null), summary: useRef<HTMLTextAreaElement>(null) }

  async function submit(event: FormEvent) {
    event.preventDefault()
    if (busy) return
    setBusy(true)
    const said = await file({ ticketId, summary })
    setBusy(false)
    setSaid(said)
    const [wrong] = (['ticketId', 'summary'] as const).filter((name) => said.fields?.[name])
    if (wrong) inputs[wrong].current?.focus()
    if (said.tone !== 'good') return
    setTicketId('')
    setSummary('')
    inputs.ticketId.current?.focus()
  }

  const fieldProps = (name: Field) => ({
    id: name,
    name,
    disabled,
    autoComplete: 'off',
    'aria-required': true,
    'aria-invalid': said?.fields?.[name] ? true : undefined,
    'aria-describedby': said?.fields?.[name] ? `${name}-wrong ${name}-hint` : `${name}-hint`,
  })
  const wrongOf = (name: Field) =>
    said?.fields?.[name] && (
      <p className="wrong" id={`${name}-wrong`}>
        {said.fields[name]}
      </p>
    )

  return (
    <section aria-labelledby="form-title" className="card form">
      <h2 id="form-title">New ticket</h2>
      <p className="plan">
        {tenant.name}: {tenant.plan}
      </p>
      {/* What is right is for the route to say, once for all callers. */}
      <form onSubmit={submit} noValidate>
        <div className="field">
          <label htmlFor="ticketId">Number</label>
          {wrongOf('ticketId')}
          <input
            {...fieldProps('ticketId')}
            ref={inputs.ticketId}
            value={ticketId}
            onChange={(event) => setTicketId(event.target.value)}
            placeholder="T-101"
            spellCheck={false}
          />
          <p className="hint" id="ticketId-hint">
            The same number is the same ticket.
          </p>
        </div>
        <div className="field">
          <label htmlFor="summary">What is wrong?</label>
          {wrongOf('summary')}
          <textarea
            {...fieldProps('summary')}
            ref={inputs.summary}
            rows={3}
            value={summary}
            onChange={(event) => setSummary(event.target.value)}
          />
          <p className="hint" id="summary-hint">
            A few words will do.
          </p>
        </div>
        <fieldset className="examples" disabled={disabled}>
          <legend className="unseen">Examples to fill in</legend>
          <span aria-hidden="true">Try</span>
          {EXAMPLES.map((example) => (
            <button key={example.label} type="button" onClick={() => setSummary(example.summary)}>
              {example.label}
            </button>
          ))}
        </fieldset>
        {/* Not disabled meanwhile: that would take the focus away. */}
        <button className="primary" type="submit" disabled={disabled} aria-disabled={busy}>
          {busy ? 'Filing…' : 'File the ticket'}
        </button>
        <div role="status" className="notices">
          {said && <Notice said={said} />}
        </div>
      </form>
    </section>
  )
}
