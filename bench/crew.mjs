// The bench's end of the talk: the processes of one round. The first of them to fail ends the round.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export class Crew {
  #members = []
  #deadline
  #fail
  #failure = new Promise((_, reject) => {
    this.#fail = reject
  })

  /** @param {number} deadline ms after which a process that is still there is killed, which ends the round */
  constructor(deadline) {
    this.#deadline = deadline
    this.#failure.catch(() => {})
  }

  /**
   * @param {string} file a program of the bench, which gets `spec`
   * @param {{ wrap?: string[], stdin?: 'pipe', stdout?: import('node:stream').Writable }} [options] `wrap` is a program to
   *   start it through (taskset …)
   */
  start(file, spec, { wrap = [], stdin = 'ignore', stdout = 'inherit' } = {}) {
    const program = fileURLToPath(new URL(file, import.meta.url))
    const [command, ...args] = [...wrap, process.execPath, program, JSON.stringify(spec)]
    const child = spawn(command, args, {
      stdio: [stdin, stdout, 'inherit', 'ipc'],
      timeout: this.#deadline,
      killSignal: 'SIGKILL',
    })
    const fail = (how) => this.#fail(new Error(`${file} ${how} (${args.at(-1)})`))
    child.once('error', ({ message }) => fail(message))
    // "close" comes after the last message has been delivered, "exit" may come before it.
    const closed = new Promise((resolve) => {
      child.once('close', (code, signal) => (code === 0 ? resolve() : fail(`ended with ${signal ?? `status ${code}`}`)))
    })
    const hears = async () => {
      let waiting = true
      closed.then(() => waiting && fail('ended without an answer'))
      const [message] = await Promise.race([once(child, 'message'), this.#failure])
      waiting = false
      return message
    }
    const member = {
      stdin: child.stdin,
      hears,
      tell: (message) => child.send(message),
      /** The answer to `message`. */
      ask(message) {
        child.send(message)
        return hears()
      },
      /** Resolves once it has ended by itself. */
      ended: () => Promise.race([closed, this.#failure]),
      kill: () => child.kill('SIGKILL'),
    }
    this.#members.push(member)
    return member
  }

  /** Whoever is still there has nothing more to do. */
  dismiss() {
    for (const member of this.#members) member.kill()
  }
}
