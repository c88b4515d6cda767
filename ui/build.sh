#!/bin/sh
# Builds the page: build.sh OUT.html DEPFILE. Fetches its packages first where they are absent or not the lock's; holds
# them while it reads them, since several builds share one tree.
set -eu
out=$(realpath -m "$1") depfile=$(realpath -m "$2")
cd "$(dirname "$0")"
./packages.sh build
exec 9>.packages.lock
flock -s 9
node build.mjs "$out" "$depfile" "$1"
