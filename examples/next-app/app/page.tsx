import { Desk } from '@/components/desk'
import { TenantSwitch } from '@/components/tenant-switch'
import { currentTenant } from '@/lib/session'
import { TENANTS } from '@/lib/tenants'
import { deskOf } from '@/lib/view'

export default async function Page() {
  const tenant = (await currentTenant()) ?? TENANTS[0]
  const board = process.env.BOARD_URL
  return (
    <>
      <header className="top">
        <div className="brand">
          <Mark />
          <div>
            <h1>Ticket desk</h1>
            <p>
              Recorded, queued, triaged.{' '}
              {board && (
                <a href={board} target="_blank" rel="noreferrer">
                  Look into the queue
                </a>
              )}
            </p>
          </div>
        </div>
        <TenantSwitch current={tenant.id} />
      </header>
      {/* Another tenant's desk is another desk: nothing of what was typed or said goes over to it. */}
      <Desk
        key={tenant.id}
        tenant={{ id: tenant.id, name: tenant.name, plan: tenant.plan }}
        initial={await deskOf(tenant.id)}
      />
    </>
  )
}

function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M8 11.5h16v3a2.5 2.5 0 0 0 0 5v1H8v-1a2.5 2.5 0 0 0 0-5zM18.5 12v2m0 2v2m0 2v1" />
    </svg>
  )
}
