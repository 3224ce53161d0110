#!/bin/sh
# soak.sh BUILD_DIR [COUNT] - many reviews to one server: all answers equal, and its memory stays what it was.
#
# COUNT: 1,000,000 (`make soak`); `make test` sends 20,000. What the server holds after as many reviews as the smaller of
# a tenth and 20,000 is compared with what it holds at the end: it may grow by GROWTH=1024 KiB, however many came.
set -eu
build=$1
count=${2:-1000000}
growth=${GROWTH:-1024}
here=$(dirname "$0")
dir=$(mktemp -d)
pid=
cleanup() {
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || true
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

"$build/tentc" certs make -o "$dir" --name localhost,127.0.0.1 >"$dir/made" 2>&1
sh "$here/../../bench/webhook/review.sh" 8192 >"$dir/review.json"
"$build/tests/e2e/serve_probe" "$dir" >"$dir/out" 2>"$dir/err" &
pid=$!
for _ in $(seq 100); do
	port=$(sed -n 's/^port //p' "$dir/out")
	[ -n "$port" ] && break
	sleep 0.1
done
anonymous() { awk '/^RssAnon/ {print $2}' "/proc/$pid/status"; }
threads() { awk '/^Threads/ {print $2}' "/proc/$pid/status"; }

first=$((count / 10 < 20000 ? count / 10 : 20000))
"$build/tests/e2e/load" "$port" "$dir/review.json" "$first" 16 "ca=$dir/ca.crt" >"$dir/first"
before=$(anonymous)
threads_before=$(threads)
"$build/tests/e2e/load" "$port" "$dir/review.json" "$count" 16 "ca=$dir/ca.crt" "pid=$pid"
after=$(anonymous)
threads_after=$(threads)
echo "soak: RssAnon $before KiB after $first reviews, $after KiB after $count more; $threads_after threads"
kill "$pid"
wait "$pid" || { echo "soak: the server ended with status $?"; cat "$dir/err"; exit 1; }
pid=
[ ! -s "$dir/err" ] || { echo "soak: the server said:"; head -n 20 "$dir/err"; exit 1; }
[ "$((after - before))" -le "$growth" ] || { echo "soak: memory grew"; exit 1; }
[ "$threads_after" = "$threads_before" ] || { echo "soak: threads grew"; exit 1; }
