import 'reflect-metadata'
import { type ArgumentsHost, Body, Catch, Controller, Headers, Inject, Module, Post, Res } from '@nestjs/common'
import { APP_FILTER, HttpAdapterHost, NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import { enqueueInvoice, invoices } from '../invoices.mjs'
import { sessionOf } from '../sessions.mjs'
import { closeStorage, invoiceRecords } from '../storage.mjs'
import { answerTo } from './answer.mjs'
import { drain } from './drain.mjs'

@Controller('api/invoices')
class InvoicesController {
  @Post()
  async post(
    @Body() body: unknown,
    @Headers('authorization') token: string | undefined,
    @Res({ passthrough: true }) response: { status(code: number): unknown },
  ) {
    const result = await enqueueInvoice(body, sessionOf(token), invoiceRecords)
    response.status(result.created ? 202 : 200)
    return result
  }
}

@Catch()
class ProblemFilter {
  catch(error: unknown, host: ArgumentsHost) {
    const { status, headers, body } = answerTo(error)
    host.switchToHttp().getResponse().status(status).set(headers).json(body)
  }
}

@Module({ controllers: [InvoicesController], providers: [{ provide: APP_FILTER, useClass: ProblemFilter }] })
class AppModule {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  beforeApplicationShutdown() {
    return drain(this.host.httpAdapter.getHttpServer())
  }

  async onApplicationShutdown() {
    await invoices.close()
    await closeStorage()
  }
}

const app = await NestFactory.create<NestExpressApplication>(AppModule)
app.useBodyParser('json', { limit: '4mb' })
app.enableShutdownHooks()
await app.listen(process.env.PORT ?? 3000)
