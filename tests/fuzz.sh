#!/bin/sh
# fuzz.sh SECONDS PROGRAM... - fuzzes each door in turn. What was found new stays under build/; a crash ends it.
seconds=$1
shift
for program; do
	door=${program##*/fuzz_}
	mkdir -p "build/corpus/$door" "testdata/fuzz/$door"
	"$program" -max_total_time="$seconds" -timeout=5 -artifact_prefix="build/corpus/crash-$door-" \
		"build/corpus/$door" "testdata/fuzz/$door" || exit 1
done
