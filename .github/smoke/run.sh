#!/usr/bin/env bash
# Runs scripts/smoke.mjs in the folder `app`, where the package is installed, with a Redis of its own and the runtime whose
# command is given.
#   run.sh deno run --allow-all
set -euo pipefail
cp scripts/smoke.mjs app
if [ "${RUNNER_OS:-}" = Windows ]; then
  choco install memurai-developer --yes --no-progress
  export REDIS_URL=redis://127.0.0.1:6379
else
  rm -f redis.url
  node scripts/redis.mjs >redis.url &
  trap 'kill $!' EXIT
  for _ in {1..600}; do
    [ -s redis.url ] && break
    sleep 0.1
  done
  REDIS_URL=$(cat redis.url)
  export REDIS_URL
fi
cd app
"$@" smoke.mjs
