#!/bin/sh
# tsan.sh BUILD_DIR - the server built with a sanitizer, under load from many connections and with hostile clients.
#
# The sanitizer's findings end up on the server's stderr, which has to stay empty. `make tsan` runs it with
# ThreadSanitizer; a build with AddressSanitizer does as well.
set -eu
build=$1
here=$(dirname "$0")
export TSAN_OPTIONS="halt_on_error=1 exitcode=66 ${TSAN_OPTIONS:-}"
# A sanitizer keeps memory of its own, so only what soak.sh says of answers, of threads and of stderr counts here.
GROWTH=1000000 sh "$here/soak.sh" "$build" "${COUNT:-5000}"
PARTS=outages python3 "$here/test_controller.py" "$build"
python3 "$here/test_hostile.py" "$build" test_answers test_limits test_lengths test_chunks \
	test_versions test_pipelining test_slow_handshake test_slow_request test_half_closed test_shaken_crowd
