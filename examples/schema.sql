-- Pending records: one row a ticket, one row an invoice.
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
CREATE TABLE invoice_export (
  job_id     text PRIMARY KEY,
  org_id     text NOT NULL,
  invoice_id text NOT NULL,
  currency   text NOT NULL,
  -- What a sweep enqueues where a crash left a record and no job, and when it last looked.
  input      json NOT NULL,
  checked_at timestamptz NOT NULL DEFAULT now(),
  status     text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'done', 'failed')),
  euros      numeric(12, 2),
  created_at timestamptz NOT NULL DEFAULT now(),
  done_at    timestamptz
);
CREATE INDEX invoice_export_checked_at ON invoice_export (checked_at) WHERE status = 'pending';
-- What the work on invoices needs. There is none for CHF yet.
CREATE TABLE exchange_rate (
  currency text PRIMARY KEY,
  euros    numeric NOT NULL
);
INSERT INTO exchange_rate VALUES ('EUR', 1), ('USD', 0.86);
