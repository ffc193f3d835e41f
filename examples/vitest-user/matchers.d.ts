import type { BoundaryMatchers } from 'enqueue-boundary/testing'
import 'vitest'

declare module 'vitest' {
  // biome-ignore lint/suspicious/noExplicitAny: as vitest declares it
  interface Matchers<T = any> extends BoundaryMatchers<T> {}
}
