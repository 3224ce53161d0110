#!/bin/sh
# fuzz_replay.sh PROGRAM... - feeds each door the files of its corpus, testdata/fuzz/DOOR, and those of the golden cases.
[ $# -gt 0 ] || { echo "fuzz-replay: skipped: no tests/fuzz/fuzz_*.c"; exit 0; }
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
passed=0 failed=0
for program; do
	door=${program##*/fuzz_}
	if find "testdata/fuzz/$door" testdata/golden -type f -print0 2>/dev/null | xargs -0 -r -n 200 "$program" 2>"$log"; then
		passed=$((passed + 1))
	else
		echo "fuzz-replay: $door failed"
		tail -n 40 "$log"
		failed=$((failed + 1))
	fi
done
echo "fuzz-replay: $passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
