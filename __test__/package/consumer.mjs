import { enqueueTicketTriage } from 'enqueue-boundary'

const storage = { createPending: async () => {} }
const result = await enqueueTicketTriage({ tenantId: 'acme', ticketId: 'from-esm', summary: 'It prints "ü".' }, storage)
console.log(JSON.stringify(result))
