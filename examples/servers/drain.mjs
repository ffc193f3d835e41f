/** Takes no more connections, answers what is under way, and resolves when the last connection has ended. */
export async function drain(server, patienceMs = 10_000) {
  // Node keeps those alive that were kept alive: whatever comes on one of them now is its last request.
  server.prependListener('request', (_request, response) => response.setHeader('connection', 'close'))
  const idle = setInterval(() => server.closeIdleConnections(), 100)
  const late = setTimeout(() => server.closeAllConnections(), patienceMs)
  await new Promise((resolve) => server.close(resolve))
  clearInterval(idle)
  clearTimeout(late)
}
