import { switchTenant } from '@/app/actions'
import { TENANTS } from '@/lib/tenants'

/** Stands in for a login, and works without JavaScript. */
export function TenantSwitch({ current }: { current: string }) {
  return (
    <form action={switchTenant} className="tenants">
      <fieldset>
        <legend>
          Signed in as <span className="note">(a demonstration: no password)</span>
        </legend>
        <div className="segments">
          {TENANTS.map(({ id, name }) => (
            <button key={id} type="submit" name="tenant" value={id} aria-current={id === current ? 'true' : undefined}>
              {name}
            </button>
          ))}
        </div>
      </fieldset>
    </form>
  )
}
