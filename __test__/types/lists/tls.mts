// Compiled, never run: that every option of Node's is in one of our lists, and that Node's options are of our types.
import type { ConnectionOptions } from 'node:tls'
import type { TlsOptions } from 'enqueue-boundary'
import type { IGNORED, REFUSED, SUPPORTED } from '../../../lib/connection/tls-options.js'

type Supported = keyof typeof SUPPORTED
type Listed = Supported | keyof typeof REFUSED | keyof typeof IGNORED

/** An error here names the options that Node has and the lists have not. */
const unlisted: Record<Exclude<keyof ConnectionOptions, Listed>, never> = {}

/** An error here names those that only the lists or only `index.d.ts` have. */
const undocumented: Record<Exclude<Supported, keyof TlsOptions>, never> = {}
const unsupported: Record<Exclude<keyof TlsOptions, Supported>, never> = {}

declare const nodes: ConnectionOptions
const ours: TlsOptions = nodes

export { ours, undocumented, unlisted, unsupported }
