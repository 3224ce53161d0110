#!/bin/sh
# deps.sh PACKAGE... - installs the Debian packages that are missing, with sudo when not root. Nothing to do: no network.
command -v dpkg-query >/dev/null || {
	echo "deps: no dpkg here; the build needs what these Debian packages hold: $*"
	exit 0
}
missing=
for package; do
	case $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) in
	*' installed') ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0
sudo=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || {
		echo "deps: not root, and no sudo; as root run: apt-get install$missing"
		exit 1
	}
	sudo=sudo
fi
echo "deps: installing$missing"
# shellcheck disable=SC2086
$sudo apt-get update -q && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
