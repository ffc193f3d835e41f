// `npm pack` and `npm publish` in the repository would make a package without its binaries.
console.error(
  'The package is put together by `node scripts/pack.mjs <folder>`, with a package for each platform beside it.',
)
process.exitCode = 1
