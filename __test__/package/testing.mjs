import { enqueueTicketTriage } from 'enqueue-boundary'
import { installTestTransport, matchers } from 'enqueue-boundary/testing'

const boundary = installTestTransport()
await enqueueTicketTriage({ tenantId: 'acme', ticketId: 'tested', summary: 's' }, { createPending() {} })
console.log(matchers.toHaveJob(boundary, 'none').pass ? '' : JSON.stringify(boundary.jobs().map(({ id }) => id)))
