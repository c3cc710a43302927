#!/bin/sh
# Builds the named Go tools into .tools/bin, each from its own pinned module; without names, all of them.
# A tool is built again only when its go.mod, go.sum or main.go changed: the hash of the three stands beside the binary.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
bin=$(dirname "$here")/.tools/bin
export CGO_ENABLED=0 GOFLAGS="-mod=readonly -trimpath -buildvcs=false" GOWORK=off
mkdir -p "$bin"

[ $# -gt 0 ] || set -- $(cd "$here" && for module in */go.mod; do dirname "$module"; done)
for name in "$@"; do
    cd "$here/$name" 2>/dev/null || { echo "tools/$name does not exist" >&2; exit 2; }
    stamp=$(cat go.mod go.sum main.go 2>/dev/null | sha256sum | cut -d ' ' -f 1)
    if [ -x "$bin/$name" ] && [ "$(cat "$bin/.$name.stamp" 2>/dev/null)" = "$stamp" ]; then continue; fi
    command -v go >/dev/null || { echo "building $name needs Go 1.26 or later on the PATH (https://go.dev/dl/)" >&2; exit 1; }
    package=$(sed -n 's/^tool //p' go.mod)
    echo "building $name${package:+ from $package}" >&2
    go build -ldflags "-s -w" -o "$bin/$name.new" "${package:-.}"
    mv "$bin/$name.new" "$bin/$name"
    echo "$stamp" >"$bin/.$name.stamp"
done
