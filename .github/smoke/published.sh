#!/usr/bin/env bash
# Installs a version from npm into the folder `app`, as soon as the registry gives out the whole of it.
#   published.sh 1.2.3
set -euo pipefail
version=$1
for _ in {1..20}; do
  rm -rf app
  mkdir app
  echo '{ "private": true }' >app/package.json
  (cd app && npm install --prefer-online --no-audit --no-fund "enqueue-boundary@$version") || true
  if compgen -G 'app/node_modules/@enqueue-boundary/*/*.node' >/dev/null; then exit 0; fi
  sleep 15
done
echo "::error::enqueue-boundary@$version cannot be installed with a binary for this platform"
exit 1
