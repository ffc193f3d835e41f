// Whether the workflows are sound: their syntax, their shell scripts, and what they let an attacker do.
//   node scripts/lint-workflows.mjs [--online]
// --online, with a GH_TOKEN, also asks GitHub whether each pinned commit is the version that the comment beside it says.
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { checker, program, root, runChecks } from './checkers.mjs'

const smoke = '.github/smoke'
const scripts = readdirSync(path.join(root, smoke)).map((name) => `${smoke}/${name}`)
const { values } = parseArgs({ options: { online: { type: 'boolean' } } })
const offline = values.online ? [] : ['--offline']
try {
  const shellcheck = checker('shellcheck')
  runChecks({
    'workflows pass actionlint': program(checker('actionlint'), ['-shellcheck', shellcheck]),
    'workflows and dependabot.yml pass zizmor': program(checker('zizmor'), [
      ...['--no-progress', '--quiet', '--persona', 'auditor', ...offline],
      '.github',
    ]),
    'scripts of the workflows pass shellcheck': program(shellcheck, ['.ci/run', ...scripts]),
  })
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
