// A NestJS application whose queues add through the boundary. What is its own is the class that BullModule makes queues of, and it
// comes before the module. `@InjectQueue`, `@Processor` and all else are as they were.
import 'reflect-metadata'
import { BullModule, InjectQueue, Processor, WorkerHost } from '@nestjs/bullmq'
import { type ArgumentsHost, Body, Catch, Controller, Get, Module, Param, Post } from '@nestjs/common'
import { APP_FILTER, NestFactory } from '@nestjs/core'
import { createRedisBackend, type Job, type Queue, withBackend } from 'bullmq'
import { EnqueueError } from 'enqueue-boundary'
import { boundaryBackend } from 'enqueue-boundary/bullmq'

const backend = boundaryBackend(createRedisBackend, { timeoutMs: 5000 })
BullModule.queueClass = withBackend(backend).Queue

@Processor('greetings')
class Greeter extends WorkerHost {
  async process({ data }: Job<{ name: string }>) {
    return `Hello, ${data.name}`
  }
}

@Controller('greetings')
class GreetingsController {
  constructor(@InjectQueue('greetings') private readonly greetings: Queue<{ name: string }>) {}

  @Post()
  async post(@Body() { name }: { name: string }) {
    const { id } = await this.greetings.add('greet', { name }, { attempts: 3 })
    return { id }
  }

  @Get('stats')
  stats() {
    return backend.stats()
  }

  @Get(':id')
  async get(@Param('id') id: string) {
    // First the state: what has ended by then has its greeting.
    const state = await this.greetings.getJobState(id)
    const job = await this.greetings.getJob(id)
    return { state, greeting: job?.returnvalue }
  }
}

@Catch(EnqueueError)
class ProblemFilter {
  catch(error: EnqueueError, host: ArgumentsHost) {
    host
      .switchToHttp()
      .getResponse()
      .status(error.status)
      .set(error.headers ?? {})
      .json(error.toProblem())
  }
}

@Module({
  imports: [
    BullModule.forRoot({ connection: { url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' } }),
    BullModule.registerQueue({ name: 'greetings', forceDisconnectOnShutdown: true }),
  ],
  controllers: [GreetingsController],
  providers: [Greeter, { provide: APP_FILTER, useClass: ProblemFilter }],
})
class AppModule {}

const app = await NestFactory.create(AppModule)
app.enableShutdownHooks()
await app.listen(process.env.PORT ?? 3000)
