#!/usr/bin/env bash
# Installs the tarballs of one target from the folder `tarballs` into the folder `app`, and nothing from anywhere else.
#   install.sh linux-x64-musl
set -euo pipefail
target=$1
IFS=- read -r os cpu abi <<<"$target"
libc=()
case $abi in
  gnu) libc=(--libc=glibc) ;;
  musl) libc=(--libc=musl) ;;
esac
mkdir app
cd app
echo '{ "private": true }' >package.json
# As an optional dependency: of any other, npm refuses the platform whatever --libc says.
npm install --save-optional --offline --no-audit --no-fund --os="$os" --cpu="$cpu" ${libc[@]+"${libc[@]}"} \
  ../tarballs/enqueue-boundary-[0-9]*.tgz ../tarballs/enqueue-boundary-"$target"-[0-9]*.tgz
