import type { TicketState } from '@/lib/types'

/** Strokes in a box of 16. */
const PATHS: Record<TicketState, string> = {
  pending: 'M4 2.5h5.5L12 5v8.5H4zM6 7h4M6 9.5h4',
  queued: 'M3 4.5h10M3 8h10M3 11.5h6',
  retrying: 'M12.8 6.2A5 5 0 1 0 13 8.6M13 3v3.4H9.6',
  active: 'M8 2.5a5.5 5.5 0 1 0 5.5 5.5',
  completed: 'M3.5 8.5l3 3 6-6.5',
  failed: 'M4.5 4.5l7 7m0-7l-7 7',
}

export function Icon({ state }: { state: TicketState }) {
  return (
    <svg className="icon" data-icon={state} viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[state]} />
    </svg>
  )
}
