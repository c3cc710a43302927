#!/bin/sh
# Writes go.mod, go.sum and ldflags anew for a version of Kubernetes, v1.36.3 unless another one is given.
# The module `k8s.io/kubernetes` takes its staging modules from beside itself by relative `replace` lines, which count only in its own
# build: here each of them is replaced by the release of the same day. Without the flags the programs report a version no client can parse.
set -eu
version=${1:-v1.36.3}
minor=${version#v1.}
minor=${minor%%.*}
cd "$(dirname "$0")"
export GOFLAGS=-mod=mod GOWORK=off
rm -f go.mod go.sum
go mod init mcpg.dev/supplychain/tools/kubernetes

theirs=$(cd / && go mod download -json "k8s.io/kubernetes@$version" | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p')
go mod edit "-go=$(sed -n 's/^go //p' "$theirs")" "-require=k8s.io/kubernetes@$version"
for module in $(sed -n 's|^[[:space:]]*\(k8s.io/[^ ]*\) => ./staging/.*|\1|p' "$theirs"); do
    go mod edit "-replace=$module=$module@v0.${version#v1.}"
done
for program in kube-apiserver kube-controller-manager kube-scheduler kubectl; do go get -tool "k8s.io/kubernetes/cmd/$program@$version"; done

prefix=k8s.io/component-base/version
echo "-X $prefix.gitVersion=$version -X $prefix.gitMajor=1 -X $prefix.gitMinor=$minor" >ldflags
