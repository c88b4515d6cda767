#!/bin/sh
# Builds the page: build.sh OUT.html DEPFILE. Fetches its packages first where they are absent or older than the lock;
# several builds of one tree may do so at once, so one at a time.
set -eu
out=$(realpath -m "$1") depfile=$(realpath -m "$2")
cd "$(dirname "$0")"
"./packages.sh" build
exec node build.mjs "$out" "$depfile" "$1"
