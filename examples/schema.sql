-- Pending records: one row a ticket.
CREATE TABLE ticket_triage (
  job_id     text PRIMARY KEY,
  tenant_id  text NOT NULL,
  ticket_id  text NOT NULL,
  status     text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'done')),
  category   text,
  priority   text,
  created_at timestamptz NOT NULL DEFAULT now(),
  done_at    timestamptz
);
