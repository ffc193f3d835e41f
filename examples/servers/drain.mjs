/** Takes no more connections, answers what is under way, and resolves when the last connection has ended. */
export async function drain(server, patienceMs = 10_000) {
  // A connection that is kept alive would hold it up: what comes on one now is its last request, and one that is idle is ended.
  server.prependListener('request', (_request, response) => response.setHeader('connection', 'close'))
  const idle = setInterval(() => server.closeIdleConnections(), 100)
  const late = setTimeout(() => server.closeAllConnections(), patienceMs)
  await new Promise((resolve) => server.close(resolve))
  clearInterval(idle)
  clearTimeout(late)
}
