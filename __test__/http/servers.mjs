// Five web frameworks with nothing but their default error handlers, in a process of its own for the sake of NODE_ENV.
// POST /<fault> to any of them throws what the boundary throws. The first line on stdout has their addresses.
import 'reflect-metadata'
import { createServer } from 'node:http'
import { serve } from '@hono/node-server'
import { Controller, Module, Param, Post } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { enqueueTicketTriage, Pipeline, ticketTriageDefinition } from 'enqueue-boundary'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'

const ticket = { tenantId: 'acme', ticketId: '1', summary: 'The printer is on fire' }
const storage = { createPending: async () => {} }
const stuck = { createPending: () => new Promise(() => {}) }
const pipeline = (options) => new Pipeline({ ...ticketTriageDefinition, connection: process.env.AWAY, ...options })

const away = pipeline({ timeoutMs: 50 })
const full = pipeline({ maxInFlight: 1, timeoutMs: 2 ** 31 - 1 })
full.enqueue(ticket, stuck)
const closed = pipeline()
closed.close()

const faults = {
  invalid: () => away.enqueue({}, storage),
  argument: () => enqueueTicketTriage(ticket, { create: 'pending' }),
  range: () => enqueueTicketTriage(ticket, storage, { timeoutMs: -1 }),
  // REDIS_URL cannot be used, and neither can the options of a pipeline made where it is needed.
  misconfigured: () => enqueueTicketTriage(ticket, storage),
  lazy: () => new Pipeline({ ...ticketTriageDefinition, connection: 'http://10.1.2.3' }),
  unavailable: () => away.enqueue(ticket, storage),
  storage: () => away.enqueue(ticket, stuck),
  authorize: () => away.enqueue(ticket, storage, { authorize: () => new Promise(() => {}) }),
  overloaded: () => full.enqueue(ticket, storage),
  closed: () => closed.enqueue(ticket, storage),
}
const meet = (path) => faults[path.slice(1)]()

const onExpress = express().post('/:fault', (request) => meet(request.path))

const onKoa = new Koa().use((context) => meet(context.path))

const onFastify = fastify({ logger: { level: 'error', stream: process.stderr } })
onFastify.post('/:fault', (request) => meet(request.url))

const onHono = new Hono()
onHono.post('/:fault', (context) => meet(context.req.path))

class Faults {
  post(fault) {
    return faults[fault]()
  }
}
// What decorators are short for.
Post(':fault')(Faults.prototype, 'post', Object.getOwnPropertyDescriptor(Faults.prototype, 'post'))
Param('fault')(Faults.prototype, 'post', 0)
Controller()(Faults)
class FaultsModule {}
Module({ controllers: [Faults] })(FaultsModule)
const onNest = await NestFactory.create(FaultsModule, { logger: false })
await onNest.listen(0, '127.0.0.1')

/** The address of a server that listens on a free port. */
const addressOf = (server) =>
  new Promise((resolve) => server.once('listening', () => resolve(`http://127.0.0.1:${server.address().port}`)))

const listen = (handler) => addressOf(createServer(handler).listen(0, '127.0.0.1'))

console.log(
  JSON.stringify({
    express: await listen(onExpress),
    koa: await listen(onKoa.callback()),
    fastify: await onFastify.listen({ port: 0, host: '127.0.0.1' }),
    nest: await onNest.getUrl(),
    hono: await addressOf(serve({ fetch: onHono.fetch, port: 0, hostname: '127.0.0.1' })),
  }),
)
