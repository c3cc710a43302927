#!/bin/sh
# Builds the named Go tools into .tools/bin, each from its own pinned module; without names, all of them.
# A module gives one program of its own name, or, where its go.mod lists several tools, one of each tool's name.
# A program is built again only when its go.mod, go.sum, main.go or ldflags changed: the hash of the four stands beside the binary.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
bin=$(dirname "$here")/.tools/bin
export CGO_ENABLED=0 GOFLAGS="-mod=readonly -trimpath -buildvcs=false" GOWORK=off
mkdir -p "$bin"

build() { # the program's name, its package; in the module's folder
    if [ -x "$bin/$1" ] && [ "$(cat "$bin/.$1.stamp" 2>/dev/null)" = "$stamp" ]; then return; fi
    command -v go >/dev/null || { echo "building $1 needs Go 1.26 or later on the PATH (https://go.dev/dl/)" >&2; exit 1; }
    echo "building $1 from $2" >&2
    go build -ldflags "-s -w $(cat ldflags 2>/dev/null)" -o "$bin/$1.new" "$2"
    mv "$bin/$1.new" "$bin/$1"
    echo "$stamp" >"$bin/.$1.stamp"
}

[ $# -gt 0 ] || set -- $(cd "$here" && for module in */go.mod; do dirname "$module"; done)
for module in "$@"; do
    cd "$here/$module" 2>/dev/null || { echo "tools/$module does not exist" >&2; exit 2; }
    stamp=$(cat go.mod go.sum main.go ldflags 2>/dev/null | sha256sum | cut -d ' ' -f 1)
    packages=$(awk '$1 == "tool" && $2 != "(" { print $2 } $1 == "tool" && $2 == "(" { inside = 1; next } $1 == ")" { inside = 0 } inside { print $1 }' go.mod)
    case $packages in
    *[[:space:]]*) for package in $packages; do build "${package##*/}" "$package"; done ;;
    *) build "$module" "${packages:-.}" ;;
    esac
done
