import { matchers } from 'enqueue-boundary/testing'
import { expect } from 'vitest'

expect.extend(matchers)
