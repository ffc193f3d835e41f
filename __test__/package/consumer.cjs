const { enqueueTicketTriage } = require('enqueue-boundary')

const storage = { createPending: async () => {} }
enqueueTicketTriage({ tenantId: 'acme', ticketId: 'from-cjs', summary: 'It prints "ü".' }, storage).then((result) =>
  console.log(JSON.stringify(result)),
)
