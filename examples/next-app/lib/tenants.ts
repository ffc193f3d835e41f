// Who has tickets here, and what each may file. In an application of yours they are rows of a table.
import type { Quota } from 'enqueue-boundary'

export interface Tenant {
  id: string
  name: string
  plan: string
  quota: Quota
}

export const TENANTS: readonly [Tenant, ...Tenant[]] = [
  { id: 'northwind', name: 'Northwind', plan: '60 tickets a minute', quota: { rate: { limit: 60, periodMs: 60_000 } } },
  { id: 'globex', name: 'Globex', plan: '60 tickets a minute', quota: { rate: { limit: 60, periodMs: 60_000 } } },
  { id: 'trial', name: 'Trial', plan: '3 tickets a minute', quota: { rate: { limit: 3, periodMs: 60_000 } } },
]

export const tenantOf = (id: string | undefined) => TENANTS.find((tenant) => tenant.id === id)
