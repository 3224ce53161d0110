#!/bin/sh
# run.sh FOLDER - the registrars against real servers. FOLDER is a build's: it holds tentc and
# tests/integration/registrar_probe.
#
# Each tests/integration/test_*.py is a program that gets FOLDER as its argument, prints "ok NAME", "skipped NAME: why"
# or "FAILED NAME: why" for every case, and ends with "N passed, N failed, N skipped" (tests/e2e/report.py).
# ONLY='postgres postgres_faults' runs test_postgres.py and test_postgres_faults.py alone; SOAK=1 adds what takes long.
# The last line counts all; the exit status is 1 when one failed.
set -u
[ $# -eq 1 ] || { echo "usage: sh tests/integration/run.sh FOLDER" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd) || exit 2
build=$(realpath "$1") || exit 2
command -v python3 >/dev/null || { echo "integration: skipped: there is no python3"; exit 0; }
python3 -c 'import yaml' 2>/dev/null || { echo "integration: skipped: there is no python3-yaml"; exit 0; }
out=$(mktemp) || exit 2
trap 'rm -f "$out"' EXIT
trap 'exit 130' INT TERM HUP

PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 LC_ALL=C.UTF-8
export PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED LC_ALL
passed=0 failed=0 skipped=0
for program in "$here"/test_*.py; do
	[ -e "$program" ] || continue
	name=$(basename "$program" .py)
	name=${name#test_}
	case " ${ONLY:-$name} " in *" $name "*) ;; *) continue ;; esac
	# They measure, wait for time limits, or start thousands of processes: minutes that `make test` has not. `make soak`, or
	# ONLY, runs them.
	case $name in
	postgres_faults | rustfs_faults | nats_crash | postgres_crash | *_scale) [ -n "${SOAK:-}${ONLY:-}" ] || continue ;;
	esac
	start=$(date +%s)
	# Ended at every step, cheated, and with thousands of tentacles, a service is tried in one version; SOAK=1: in all.
	narrow=
	case ${SOAK:-}$name in
	1*) ;;
	*_crash | *_faults | *_scale)
		narrow="POSTGRES_VERSIONS=${POSTGRES_VERSIONS:-15} NATS_VERSIONS=${NATS_VERSIONS:-2.15}"
		;;
	esac
	# shellcheck disable=SC2086
	{ env $narrow python3 "$program" "$build" || echo "status $?"; } 2>&1 | tee "$out" | sed "/^status [0-9]*$/d; s/^/  /"
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
	echo "integration: $name: $1 passed, $2 failed, $3 skipped, $(($(date +%s) - start)) s"
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
done
echo "integration: $passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
