'use server'
import { revalidatePath } from 'next/cache'
import { signInAs } from '@/lib/session'

export async function switchTenant(form: FormData) {
  await signInAs(String(form.get('tenant')))
  revalidatePath('/')
}
