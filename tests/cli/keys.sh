# Root keys and credentials.

case_ "keygen: one line, another each time"
run keygen
want_rc 0
want_no_err
grep -Eqx 'k1: [A-Za-z0-9+/]{43}=' "$T/out" || complain "not a line of a key file"
[ "$(wc -l <"$T/out")" -eq 1 ] || complain "more than a line"
cp "$T/out" one
run keygen --key-id prod-2
grep -Eqx 'prod-2: [A-Za-z0-9+/]{43}=' "$T/out" || complain "not with that id"
[ "$(cut -d' ' -f2 one)" != "$(cut -d' ' -f2 "$T/out")" ] || complain "the same key twice"
run keygen --key-id K1
want_rc 2
want_no_out

case_ "keygen -o: mode 0600 whatever the umask; nothing is overwritten"
for mask in 000 022 077 777; do
	(umask $mask && "$TENTC" keygen -o key.$mask) || complain "failed with umask $mask"
	[ "$(stat -c %a key.$mask)" = 600 ] || complain "mode $(stat -c %a key.$mask) with umask $mask"
done
cp key.022 want
run keygen -o key.022
want_rc 2
want_err '"key.022" exists already, and a root key is never overwritten'
want_file want key.022
ln -s nothing link
run keygen -o link
want_rc 2
[ ! -e nothing ] || complain "wrote through a link"
run keygen -o absent/key
want_rc 2

case_ "keygen: a failed write leaves no half key"
(ulimit -f 0 && "$TENTC" keygen -o key 2>&1) | grep -q 'cannot write to key: file too large' || complain "no message"
[ -z "$(ls -A)" ] || complain "something was left"

case_ "--root-key-file: missing, broken, without the key"
plain a >a.yaml
run compile a.yaml --root-key-file no.key
want_rc 2
want_err 'cannot read "no.key": no such file or directory [TC500]'
echo 'k1: SECRETSECRET' >bad.key
run compile a.yaml --root-key-file bad.key
want_rc 2
want_err '[TC400]'
if grep -q SECRET "$T/err"; then complain "shows the file"; fi
"$TENTC" keygen --key-id k7 >other.key
"$TENTC" keygen --key-id k9 >>other.key
run compile a.yaml --root-key-file other.key
want_rc 2
want_err '"other.key" has no key "k1", it has: k7, k9 [TC401]'

case_ "credentials: in the Secret and nowhere else"
tentacle shop >shop.yaml
"$TENTC" keygen -o root.key
run compile shop.yaml
want_rc 0
if grep -q 'tentacular-postgres.password: ' "$T/out"; then complain "a credential without a key"; fi
run compile shop.yaml --root-key-file root.key
want_rc 0
cp "$T/out" first.yaml
password=$(sed -n 's/^ *tentacular-postgres\.password: *//p' first.yaml | tr -d '"')
plain=$(printf %s "$password" | base64 -d)
[ ${#plain} -eq 40 ] || { complain "no password of 40 characters"; password=none plain=none; }
run compile shop.yaml --root-key-file root.key -o out.yaml
want_rc 0
want_file first.yaml out.yaml
[ "$(stat -c %a out.yaml)" = 600 ] || complain "credentials that others can read"
# every way to fail after the key was read
root=$(cut -d' ' -f2 root.key)
sed -i 's/example/changed/' shop.yaml
sed 's/dependencies/dependency/' shop.yaml >wrong.yaml
mkdir -p d/out.yaml
for args in "shop.yaml -o out.yaml --check" "wrong.yaml" "shop.yaml missing.yaml" "shop.yaml -o d/out.yaml" \
	"shop.yaml -o nowhere/x" "shop.yaml --strict" "shop.yaml --format json"; do
	run compile $args --root-key-file root.key
	for text in "$root" "$plain" "$password"; do
		if grep -qF -- "$text" "$T/err"; then complain "stderr of $args shows a secret"; fi
	done
done
run compile shop.yaml -o out.yaml --check --root-key-file root.key
want_rc 1
want_no_out
want_err "out.yaml differs"

# /proc/PID/environ belongs to root when a process may not be dumped: seen best by a user who is not root.
case_ "no credential is in a command line or a core dump"
user=
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	user="setpriv --reuid=65534 --regid=65534 --clear-groups"
	chmod 777 .
fi
cp "$TENTC" "$T/tentc"
mkfifo pipe
chmod 666 pipe
$user "$T/tentc" keygen -o root.key
$user "$T/tentc" compile pipe --root-key-file root.key >"$T/out" 2>"$T/err" &
pid=$!
root=$(cut -d' ' -f2 root.key)
sleep 0.3
if [ ! -r /proc/$pid/cmdline ]; then
	skip "needs /proc"
elif ldd "$TENTC" | grep -q 'libasan\|libclang_rt'; then
	skip "a sanitizer build may be looked into"
else
	if grep -qF -- "$root" /proc/$pid/cmdline; then complain "the key is in argv"; fi
	tr '\0' ' ' </proc/$pid/cmdline | grep -q 'compile pipe' || complain "looked at another process"
	if [ -n "$user" ] || [ "$(id -u)" -ne 0 ]; then
		[ "$(stat -c %u /proc/$pid/environ)" -eq 0 ] || complain "the process can be dumped"
	fi
fi
: >pipe
wait $pid
