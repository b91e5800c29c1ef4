#!/bin/bash
# Builds the Go programs that ours are compared with or put between, into build/peers/; what is
# there and newer than its sources is kept.
#
#   tests/peers/build.sh NAME...     tracing, hop (seconds), jaeger (7 minutes of CPU, nice),
#                                vegeta, k6 (2 minutes)
#
# Ends with 77 and one line where they cannot be had: no Go >= 1.25 (it fetches the newer toolchain
# that a go.mod may name), or no module proxy.
set -u
cd "$(dirname "$0")" || exit 1
out=$PWD/../../build/peers
PATH=$PATH:/usr/local/go/bin
export CGO_ENABLED=0

skip() {
    echo "skipped: $1"
    exit 77
}

package_of() {
    case $1 in
    jaeger) echo github.com/jaegertracing/jaeger/cmd/jaeger ;;
    vegeta) echo github.com/tsenart/vegeta/v12 ;;
    k6) echo go.k6.io/k6 ;;
    *) echo "./$1" ;;
    esac
}

fresh() { # PROGRAM FOLDER...: newer than all that it is made of
    [ -x "$1" ] &&
        [ -z "$(find "${@:2}" -maxdepth 1 \( -name '*.go' -o -name 'go.*' \) -newer "$1")" ]
}

build() { # NAME FOLDER-OF-GO.MOD
    local package
    package=$(package_of "$1")
    fresh "$out/$1" "$2" "$1" && return 0
    command -v go >/dev/null || skip "$1 needs Go 1.25 or newer, and here is none"
    go version | grep -qE 'go1\.(2[5-9]|[3-9][0-9])' || skip "$1 needs Go 1.25 or newer; here is $(go version)"
    (cd "$2" && timeout 120 go list -deps "$package" >/dev/null 2>&1) ||
        skip "the modules of $1 are not to be had here (is there a module proxy?)"
    echo "building $1"
    mkdir -p "$out"
    (cd "$2" && nice go build -trimpath -ldflags "-s -w" -o "$out/$1.new" "$package") &&
        mv "$out/$1.new" "$out/$1"
}

for name in "$@"; do
    case $name in
    jaeger | vegeta | k6) folder=$name ;;
    *) folder=. ;;
    esac
    build "$name" "$folder" || exit 1
done
