#!/bin/sh
# ldd.sh PROGRAM - the offline program loads these libraries only, so it cannot reach a network.
allowed='linux-vdso linux-gate libyaml-0 libmbedcrypto libjansson libc ld-linux ld-linux-x86-64 ld-linux-aarch64'
libs=$(ldd "$1") || { echo "ldd: $1 is not a program that loads libraries"; exit 1; }
echo "$libs" | awk -v program="$1" -v allowed="$allowed" '
BEGIN {
	n = split(allowed, list, " ")
	for (i = 1; i <= n; i++)
		ok[list[i]] = 1
}
/not found/ { print "ldd:" $0; bad = 1 }
{
	name = $1
	sub(/.*\//, "", name)
	sub(/\.so.*/, "", name)
	count++
	if (!(name in ok)) {
		printf "ldd: %s loads %s, which is not allowed\n", program, $1
		bad = 1
	}
}
END {
	if (!bad)
		printf "ldd: %s loads %d libraries, all allowed\n", program, count
	exit bad
}'
