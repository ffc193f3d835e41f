// A server for one file of tests, and the records that it makes.
const { makeApp } = require('./app.js')

function useClient() {
  const records = new Map()
  const storage = { createPending: async (record) => void records.set(record.jobId, record) }
  let server
  beforeAll(async () => {
    await new Promise((resolve) => {
      server = makeApp(storage).listen(0, '127.0.0.1', resolve)
    })
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))
  return {
    records,
    post: (ticket) =>
      fetch(`http://127.0.0.1:${server.address().port}/api/tickets`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(ticket),
      }),
  }
}

module.exports = { useClient }
