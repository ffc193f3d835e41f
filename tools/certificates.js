'use strict'
// A certificate authority of one's own, made with openssl.
const { execFileSync } = require('node:child_process')
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')

const NAMES = 'DNS:localhost,IP:127.0.0.1'
/** For `openssl ca`, which unlike `openssl x509` can say when a certificate expired. */
const CONFIG = `[ca]
default_ca = test
[test]
database = index.txt
rand_serial = yes
unique_subject = no
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
[any]
commonName = supplied
`

const KEYS = {
  'P-256': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'P-384': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  'P-521': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-521'],
  Ed25519: ['ed25519'],
  'RSA 1024': ['rsa:1024'],
  'RSA 2048': ['rsa:2048'],
}

class Authority {
  #dir = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-ca-'))
  #issued = 0

  constructor(name = 'Test authority') {
    this.#openssl('req', '-x509', ...this.#newKey('ca'), '-days', '2', '-subj', `/CN=${name}`, '-out', 'ca.pem')
    this.#write('ca.cnf', CONFIG)
    this.#write('index.txt', '')
    /** What a client trusts. */
    this.ca = this.#read('ca.pem')
  }

  /**
   * Issues a certificate with its key. Without names and extensions it is of X.509 version 1.
   * @param {{ names?: string | null, extensions?: string[], commonName?: string, expired?: boolean, early?: boolean,
   *   always?: boolean, selfSigned?: boolean, key?: keyof typeof KEYS }} [options] `names` are what openssl calls
   *   subjectAltName; `early` is not valid yet, `always` is valid by clocks that are wrong too
   */
  issue({ names = NAMES, extensions = [], commonName, expired, early, always, selfSigned, key = 'P-256' } = {}) {
    this.#issued += 1
    const name = `leaf${this.#issued}`
    const lines = [...(names ? [`subjectAltName=${names}`] : []), ...extensions]
    this.#write(`${name}.ext`, lines.join('\n'))
    const subject = `/CN=${commonName ?? name}`
    this.#openssl('req', '-new', ...this.#newKey(name, key), '-subj', subject, '-out', `${name}.csr`)
    const [from, to] = [early ? '20990101' : '20200101', expired ? '20200201' : '20990201']
    const valid =
      expired || early || always ? ['-startdate', `${from}000000Z`, '-enddate', `${to}000000Z`] : ['-days', '2']
    const files = ['-in', `${name}.csr`, '-notext', '-out', `${name}.pem`]
    if (lines.length > 0) files.push('-extfile', `${name}.ext`)
    if (selfSigned) files.push('-selfsign', '-keyfile', `${name}.key`)
    this.#openssl('ca', '-batch', '-config', 'ca.cnf', ...valid, ...files)
    return { cert: this.#read(`${name}.pem`), key: this.#read(`${name}.key`) }
  }

  /** As `issue`, as the files that a server is started with. */
  issueFiles(options) {
    const { cert, key } = this.issue(options)
    const name = `server${this.#issued}`
    return {
      cert: this.file(`${name}.pem`, cert),
      key: this.file(`${name}.key`, key),
      ca: path.join(this.#dir, 'ca.pem'),
    }
  }

  /** What openssl makes of `input`, such as another form of a key. */
  convert(args, input) {
    return execFileSync('openssl', args, { input, cwd: this.#dir, stdio: 'pipe' })
  }

  /** Keeps `content` in a file, and returns where. */
  file(name, content) {
    this.#write(name, content)
    return path.join(this.#dir, name)
  }

  remove() {
    rmSync(this.#dir, { recursive: true, force: true })
  }

  #newKey(name, key = 'P-256') {
    return ['-newkey', ...KEYS[key], '-nodes', '-keyout', `${name}.key`]
  }

  #openssl(...args) {
    execFileSync('openssl', args, { cwd: this.#dir, stdio: 'pipe' })
  }

  #write(file, text) {
    writeFileSync(path.join(this.#dir, file), text)
  }

  #read(file) {
    return readFileSync(path.join(this.#dir, file), 'utf8')
  }
}

module.exports = { Authority }
