#!/bin/sh
# run.sh unit|types|page|real: the page's tests. 77 (skipped): there is no chromium here.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
ui=$here/../../ui
"$ui/packages.sh" test
case $1 in
unit) exec node "$ui/test/run.mjs" ;;
types) cd "$ui" && exec node node_modules/typescript/bin/tsc --noEmit ;;
esac
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || { echo "no chromium: apt-get install chromium"; exit 77; }
exec node --test "$here/$1.test.mjs"
