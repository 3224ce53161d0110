#!/bin/sh
# run.sh FOLDER - tests against a real API server. FOLDER is a build's: it holds tentc and libexec/tentc/tentc-cluster.
#
# Each tests/e2e/test_*.py is a program that gets FOLDER as its argument, prints "ok NAME", "skipped NAME: why" or
# "FAILED NAME: why" for every case, and ends with "N passed, N failed, N skipped" (report.py). ONLY='kube webhook'
# runs test_kube.py and test_webhook.py alone. The last line counts all; the exit status is 1 when one failed.
set -u
[ $# -eq 1 ] || { echo "usage: sh tests/e2e/run.sh FOLDER" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd) || exit 2
build=$(realpath "$1") || exit 2
for wanted in python3 openssl; do
	command -v $wanted >/dev/null || { echo "e2e: skipped: there is no $wanted"; exit 0; }
done
out=$(mktemp) || exit 2
trap 'rm -f "$out"' EXIT
trap 'exit 130' INT TERM HUP
# What building them says goes to stderr, where it can be followed; the last line says why there are none.
sh "$here/tools.sh" 2>&1 >/dev/null | tee "$out" >&2
if ! sh "$here/tools.sh" >/dev/null 2>&1; then
	echo "e2e: skipped: $(tail -n 1 "$out")"
	exit 0
fi

PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 LC_ALL=C.UTF-8
export PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED LC_ALL
passed=0 failed=0 skipped=0
for program in "$here"/test_*.py; do
	[ -e "$program" ] || continue
	name=$(basename "$program" .py)
	name=${name#test_}
	case " ${ONLY:-$name} " in *" $name "*) ;; *) continue ;; esac
	# Thousands of looks, each ended and made again: minutes that `make test` has not. `make soak`, or ONLY, runs them.
	case $name in
	*_crash) [ -n "${SOAK:-}${ONLY:-}" ] || continue ;;
	esac
	start=$(date +%s)
	{ python3 "$program" "$build" || echo "status $?"; } 2>&1 | tee "$out" | sed "/^status [0-9]*$/d; s/^/  /"
	# shellcheck disable=SC2046
	set -- $(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$out")
	# It must end with exactly one such line; and a bad end is a failure, whatever it has counted.
	if [ $# -ne 3 ]; then
		echo "FAILED $name: did not end with one line that counts"
		set -- 0 1 0
	elif [ "$2" -eq 0 ] && grep -q '^status ' "$out"; then
		echo "FAILED $name: $(grep '^status ' "$out") without a failed case"
		set -- "$1" 1 "$3"
	fi
	echo "e2e: $name: $1 passed, $2 failed, $3 skipped, $(($(date +%s) - start)) s"
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
done
echo "e2e: $passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
