#!/bin/bash
# Builds the image. Where the base image is neither there nor to be pulled, it is made from Debian's
# own packages, under the very tag that the Dockerfile names.
set -euo pipefail
. "$(dirname "$0")/engine.sh"

make_base() {
    local tag=$1 suite directory
    suite=${tag#debian:}
    suite=${suite%-slim}
    echo "no registry answers: making $tag with debootstrap (half a minute or more)"
    [ "$(id -u)" = 0 ] || die "this needs root: run \`sudo make image\` once"
    command -v debootstrap >/dev/null || {
        echo "installing with apt-get: debootstrap"
        apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
    }
    directory=$(mktemp -d)
    # shellcheck disable=SC2064
    trap "rm -rf '$directory'" EXIT
    debootstrap --variant=minbase --include=ca-certificates "$suite" "$directory/root" \
        >"$directory/log" 2>&1 || { tail -20 "$directory/log"; die "debootstrap failed"; }
    rm -rf "$directory"/root/var/cache/apt/archives/*.deb "$directory"/root/var/lib/apt/lists/*
    tar -C "$directory/root" -c . | docker import - "$tag" >/dev/null
}

engine_is_there || die "no Docker engine answers (\`make up\` needs none)"
base=$(awk '$1 == "FROM" { print $2; exit }' "$compose_directory/Dockerfile")
docker image inspect "$base" >/dev/null 2>&1 || timeout 120 docker pull -q "$base" 2>/dev/null ||
    make_base "$base"
docker build -f "$compose_directory/Dockerfile" -t "culprit:${CULPRIT_TAG:-dev}" "$root_directory"
