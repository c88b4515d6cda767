#!/bin/sh
# npm ci where node_modules is not what package-lock.json says: packages.sh build|test. "test" has what the tests need
# too (playwright-core, axe-core, typescript). No package's own scripts are run.
set -eu
cd "$(dirname "$0")"
want="$(sha256sum package-lock.json | cut -c1-64)"
have() { for kind in "$@"; do [ "$(cat "node_modules/.spate-$kind" 2>/dev/null)" = "$want" ] && return 0; done; return 1; }
exec 9>.packages.lock
flock 9
if [ "$1" = test ]; then
  have test && exit 0
  omit=
else
  have build test && exit 0
  omit=--omit=dev
fi
log=$(mktemp)
if ! npm ci $omit --ignore-scripts --no-audit --no-fund >"$log" 2>&1; then
  echo "ui: 'npm ci' failed; the page's packages come from the npm registry (npm config get registry):" >&2
  tail -15 "$log" >&2
  rm -f "$log"
  exit 1
fi
rm -f "$log"
echo "$want" >"node_modules/.spate-$1"
