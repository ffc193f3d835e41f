-- Pending records that a sweep can repair: the id of the job, what to enqueue, and when somebody last looked after it.
CREATE TABLE pending_job (
  -- One record an id. createPending relies on it: a call that is made again finds its record, and has one that failed pending again.
  job_id     text PRIMARY KEY,
  -- Not jsonb: that refuses texts which a job may hold, with a NUL or half of a surrogate pair.
  input      json NOT NULL,
  status     text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'done', 'failed')),
  checked_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX pending_job_checked_at ON pending_job (checked_at) WHERE status = 'pending';
