#!/bin/bash
# Prints the addresses and the control token of the running containers, as `culprit up --json` writes
# them: a file of it is what `--target` takes.
set -euo pipefail
. "$(dirname "$0")/engine.sh"

ports='{{index .Config.Labels "com.docker.compose.service"}}{{range $inside, $outside := .NetworkSettings.Ports}}{{with $outside}} {{$inside}}={{(index . 0).HostPort}}{{end}}{{end}}'
ids=$(compose ps -q)
[ -n "$ids" ] || die "nothing is up: \`docker compose up\` first"
# shellcheck disable=SC2086
token=$(docker inspect --format '{{range .Config.Env}}{{println .}}{{end}}' $ids |
    sed -n 's/^CULPRIT_CONTROL_TOKEN=//p' | head -1)
# shellcheck disable=SC2086
docker inspect --format "$ports" $ids | token="$token" awk '
    function endpoint(name, port) {
        printf "%s    \"%s\": \"http://127.0.0.1:%s\"", sep, name, port
        sep = ",\n"
    }
    BEGIN { print "{\n  \"schema\": \"culprit.up/1\",\n  \"endpoints\": {" }
    { for (i = 2; i <= NF; i++) {
        split($i, part, "=")
        name = part[1] == "4318/tcp" ? "otlp" : part[1] == "16686/tcp" ? "query" : $1
        endpoint(name, part[2])
    } }
    END {
        token = ENVIRON["token"]
        gsub(/["\\]/, "\\\\&", token)
        printf "\n  },\n  \"control_token\": \"%s\"\n}\n", token
    }'
