#!/bin/sh
# Runs every part of `make torture`, whether the ones before passed or not, and prints a summary of all parts at
# the end. Arguments: words that the names of the file systems' cases must contain; then only these are run.
set -u

cargo="${CARGO:-cargo}"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
begun=$(date +%s)

# Two parts open stores thousands of times. They need no disk, because their power cuts are simulated. The tests of
# the defects are about the disk's own file system.
memory=${TMPDIR:-/tmp}
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ] &&
    [ "$(df --output=avail /dev/shm | tail -n 1)" -gt $((4 * 1024 * 1024)) ]; then
    memory=/dev/shm
fi

# Runs one part; its output is shown, and kept for the summary.
part() {
    name=$1
    shift
    { "$@" 2>&1 || echo "part FAILED: $name"; } | tee -a "$log"
}

if [ $# -gt 0 ]; then
    part "file systems" env TMPDIR="$memory" "$cargo" test --locked --test torture -- "$@"
else
    part "real store and file systems" env TMPDIR="$memory" "$cargo" test --locked --test torture
    part "random programs and damaged catalogs" env TMPDIR="$memory" \
        FROSTLINE_DAMAGES=all FROSTLINE_PROGRAMS="${FROSTLINE_PROGRAMS:-100000}" \
        "$cargo" test --locked --test it -- programs:: damages::
    part "threads" env FROSTLINE_THREADS=all sh -c \
        '"$0" test --locked --test threads && echo "threads: every model, in full"' "$cargo"
    part "defects put back" "$cargo" test --locked --test defects
fi

echo
echo "== make torture: $((($(date +%s) - begun) / 60)) minutes on $(uname -sr), $(date +%F)"
grep -E '^(the real store|torture|programs|damages|threads|defects|part FAILED):' "$log"
grep -E 'SKIPPED|WRONG|MISSED|DOES NOT BUILD' "$log" | grep -vE '^(torture|defects): [0-9]' | head -40
if grep -q '^part FAILED' "$log"; then
    echo "== FAILED"
    exit 1
fi
echo "== passed"
