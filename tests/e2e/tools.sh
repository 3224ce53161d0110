#!/bin/sh
# tools.sh - prints the folder that holds etcd, kube-apiserver, kube-controller-manager and kubectl, or says on stderr
# why there is none, with status 1.
#
# KUBEBUILDER_ASSETS is taken when it is set and whole. Else they are built once from the Go modules that tools/go.sum
# pins (8 minutes on 2 cores) and kept in TENTC_CACHE, by default ~/.cache/tentc.
here=$(cd "$(dirname "$0")" && pwd) || exit 1
programs='etcd kube-apiserver kube-controller-manager kubectl'
version=1.37.2

whole() {
	for program in $programs; do
		[ -x "$1/$program" ] || return 1
	done
}

if [ -n "$KUBEBUILDER_ASSETS" ] && whole "$KUBEBUILDER_ASSETS"; then
	echo "$KUBEBUILDER_ASSETS"
	exit 0
fi
cache=${TENTC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tentc}
folder=$cache/kubernetes-$(cat "$here/tools/go.sum" "$here/tools.sh" | cksum | cut -d ' ' -f 1)
if whole "$folder"; then
	echo "$folder"
	exit 0
fi
command -v go >/dev/null || {
	echo "no Kubernetes programs in KUBEBUILDER_ASSETS, and no go to build them with" >&2
	exit 1
}

# Built beside its place and moved there whole, so that a run that was ended leaves no half of it.
mkdir -p "$cache" || exit 1
new=$(mktemp -d "$cache/building.XXXXXX") || exit 1
trap 'rm -rf "$new"' EXIT
trap 'exit 1' INT TERM HUP
k=k8s.io/component-base/version
(cd "$here/tools" && CGO_ENABLED=0 GOFLAGS=-mod=readonly go build -trimpath -o "$new/" \
	-ldflags "-s -w -X $k.gitVersion=v$version -X $k.gitMajor=1 -X $k.gitMinor=37" \
	k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager k8s.io/kubernetes/cmd/kubectl \
	go.etcd.io/etcd/server/v3) >&2 || {
	echo "the Kubernetes programs could not be built: see above" >&2
	exit 1
}
mv "$new/server" "$new/etcd" && chmod 755 "$new" || exit 1
# Another run may have been faster: then its folder stands.
mv -T "$new" "$folder" 2>/dev/null || whole "$folder" || exit 1
echo "$folder"
