const { enqueueTicketTriage } = require('enqueue-boundary')
const { installTestTransport } = require('enqueue-boundary/testing')

const boundary = installTestTransport()
enqueueTicketTriage({ tenantId: 'acme', ticketId: 'tested', summary: 's' }, { createPending() {} }).then(() => {
  console.log(JSON.stringify(boundary.jobs().map(({ id }) => id)))
})
