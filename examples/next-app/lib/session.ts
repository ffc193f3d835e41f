// A demonstration of a session, and no login: anybody may become any tenant. What it shows is that the tenant of a call comes
// from a signed cookie, and not from the body. Put your own session in the place of `currentTenant`.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { cookies } from 'next/headers'
import { TENANTS, tenantOf } from './tenants'

const COOKIE = 'tenant'
const secret = process.env.SESSION_SECRET ?? 'of this demonstration alone'

const signatureOf = (id: string) => createHmac('sha256', secret).update(id).digest('base64url')

/** The tenant that the request belongs to; undefined where its cookie is none of ours. */
export async function currentTenant() {
  const value = (await cookies()).get(COOKIE)?.value
  // Who comes for the first time is the first of them, so that the page has something to show.
  if (value === undefined) return TENANTS[0]
  const [id = '', signature = ''] = value.split('.')
  const expected = Buffer.from(signatureOf(id))
  const given = Buffer.from(signature)
  return expected.length === given.length && timingSafeEqual(expected, given) ? tenantOf(id) : undefined
}

export async function signInAs(id: string) {
  if (tenantOf(id) === undefined) return
  const options = { httpOnly: true, sameSite: 'lax', path: '/', maxAge: 7 * 86_400 } as const
  ;(await cookies()).set(COOKIE, `${id}.${signatureOf(id)}`, options)
}
