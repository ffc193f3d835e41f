// Runs BullMQ's own test-suite with our backend. In a checkout of its sources, prepared as its contributors' guide says:
//
//   npx vitest run --no-file-parallelism --config <here>/scripts/judge/vitest.config.mjs tests/bulk.test.ts tests/job.test.ts
//
// Each file of tests adds a line to JUDGE_COUNTS (judge-counts.jsonl where that is not set), with what its adds came to.

import { fileURLToPath } from 'node:url'

export default {
  test: {
    include: ['tests/**/*.test.ts'],
    testTimeout: 10_000,
    hookTimeout: 10_000,
    setupFiles: ['./vitest.setup.ts', fileURLToPath(new URL('setup.mjs', import.meta.url))],
    sequence: { concurrent: false },
  },
}
