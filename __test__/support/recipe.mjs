// One of examples/storage/ as a process of its own, since they are modules and jest's are not: does what it is told to.
import pg from 'pg'

const [name, url] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: url, max: 4 })
pool.on('error', () => {})

const CLIENTS = {
  pg: async () => pool,
  drizzle: async () => (await import('drizzle-orm/node-postgres')).drizzle(pool),
  async kysely() {
    const { Kysely, PostgresDialect } = await import('kysely')
    return new Kysely({ dialect: new PostgresDialect({ pool }) })
  },
}

const { recordsOf } = await import(`../../examples/storage/${name}.mjs`)
const records = recordsOf(await CLIENTS[name]())

process.on('message', async ({ number, method, args }) => {
  try {
    process.send({ number, value: await records[method](...args) })
  } catch (error) {
    process.send({ number, error: `${error.stack}` })
  }
})
process.once('disconnect', () => process.exit())
process.send({ methods: Object.keys(records) })
