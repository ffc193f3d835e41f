// Nothing in here knows of tests.
const { enqueueTicketTriage, isEnqueueError } = require('enqueue-boundary')
const express = require('express')

function makeApp(storage) {
  const app = express()
  app.post('/api/tickets', express.json(), async (request, response) => {
    response.status(202).json(await enqueueTicketTriage(request.body, storage))
  })
  app.use((error, _request, response, next) => {
    if (!isEnqueueError(error)) return next(error)
    response
      .status(error.status)
      .set(error.headers ?? {})
      .type('application/problem+json')
      .json(error.toProblem())
  })
  return app
}

module.exports = { makeApp }
