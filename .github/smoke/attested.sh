#!/usr/bin/env bash
# Whether both packages in the folder `app` have a provenance that npm finds to be true. Needs npm 12.
set -euo pipefail
cd app
attested=$(npm audit signatures --json --include-attestations |
  node --print 'JSON.parse(require("node:fs").readFileSync(0)).verified.map(({ name }) => name).sort().join()')
[[ $attested == @enqueue-boundary/*,enqueue-boundary ]] || {
  echo "::error::attested are: $attested"
  exit 1
}
