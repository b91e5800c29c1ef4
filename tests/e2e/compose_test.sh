#!/bin/bash
# Builds the image and brings the system up in containers, on free loopback ports and under a project
# name of its own; buys something; judges two scenarios against it; looks at what the containers may
# do; removes what it made. Without a Docker engine it says so and skips.
#
#   compose_test.sh BUILD_DIRECTORY        COMPOSE chooses between `docker compose` and docker-compose
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../compose/engine.sh"
culprit=$(cd "$1" && pwd)/bin/culprit
passed=0 failed=0

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
    exit
}

skip() {
    echo "skipped: $*"
    finish
}

# check "it ..." COMMAND...
check() {
    local words=$1 output
    shift
    if output=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "ok    $words"
    else
        failed=$((failed + 1))
        printf 'FAIL  %s\n%s\n' "$words" "$(tail -40 <<<"$output")"
    fi
}

engine_is_there || skip "no Docker engine answers"
[ -n "$(compose_words)" ] || skip "neither \`docker compose\` nor docker-compose is installed"

export COMPOSE_PROJECT_NAME="culprit-test-$$" CULPRIT_TAG="test-$$"
CULPRIT_CONTROL_TOKEN=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
export CULPRIT_CONTROL_TOKEN
for name in $(jq -r '.services[] | select(.kind != "collector") | .name' \
    "$compose_directory/topology.json") otlp query; do
    export "CULPRIT_PORT_${name^^}=0"
done
scratch=$(mktemp -d)
target=$scratch/target.json

tidy() {
    timeout 120 $(compose_words) -f "$compose_directory/compose.yaml" down -v >/dev/null 2>&1
    docker image rm "culprit:$CULPRIT_TAG" >/dev/null 2>&1
    rm -rf "$scratch"
}
trap tidy EXIT
trap 'exit 1' INT TERM

# ---- what is asked

is_up() {
    local begin=$SECONDS
    timeout 300 $(compose_words) -f "$compose_directory/compose.yaml" up -d || return 1
    compose_wait 60 || return 1
    took=$((SECONDS - begin))
}

has_size_below_mb() {
    local bytes
    bytes=$(docker image inspect --format '{{.Size}}' "culprit:$CULPRIT_TAG")
    echo "$bytes bytes"
    [ "$bytes" -gt 0 ] && [ "$bytes" -lt $(($1 * 1000000)) ]
}

# each FORMAT WANTED: the same of every container
each() {
    local ids found
    ids=$(compose ps -q)
    # shellcheck disable=SC2086
    found=$(docker inspect --format "$1" $ids | sort | uniq -c | awk '{ $1 = $1; print }')
    echo "found: $found"
    [ "$found" = "$(wc -w <<<"$ids") $2" ]
}

runs_every_service() {
    diff <(compose ps --services | sort) <(jq -r '.services[].name' \
        "$compose_directory/topology.json" | sort)
}

publishes_on_loopback_only() {
    local ids found
    ids=$(compose ps -q)
    # shellcheck disable=SC2086
    found=$(docker inspect --format \
        '{{range .NetworkSettings.Ports}}{{range .}}{{println .HostIp}}{{end}}{{end}}' $ids |
        grep . | sort -u)
    echo "found: $found"
    [ "$found" = 127.0.0.1 ]
}

runs_as_nobody() {
    local id pid
    id=$(compose ps -q "$1")
    pid=$(docker inspect --format '{{.State.Pid}}' "$id")
    grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs)' "/proc/$pid/status" | tee /dev/stderr |
        awk '$1 == "Uid:" && $2 != 65532 { bad = 1 } $1 ~ /^Cap/ && $2 !~ /^0+$/ { bad = 1 }
             $1 == "NoNewPrivs:" && $2 != 1 { bad = 1 } END { exit bad || NR != 4 }'
}

address() {
    jq -er ".endpoints[\"$1\"]" "$target"
}

# The status of an answer, with what curl is given.
status_of() {
    curl -s -m 10 -o "$scratch/answer" -w '%{http_code}' "$@"
}

answers() {
    local wanted=$1 status
    shift
    status=$(status_of "$@")
    echo "$status: $(head -c 300 "$scratch/answer" 2>/dev/null)"
    [ "$status" = "$wanted" ]
}

json_call() {
    local wanted=$1 method=$2 url=$3 body=$4
    shift 4
    answers "$wanted" -X "$method" -H 'Content-Type: application/json' -d "$body" "$@" "$url"
}

buys() {
    local shop token sku
    shop=$(address frontend) || return 1
    json_call 200 POST "$shop/login" '{"user":"user-1","password":"culprit"}' || return 1
    token=$(jq -er .token "$scratch/answer") || return 1
    answers 200 "$shop/products" || return 1
    sku=$(jq -er '.products[0].sku' "$scratch/answer") || return 1
    json_call 200 PUT "$shop/cart/compose-$$" "{\"lines\":[{\"sku\":\"$sku\",\"quantity\":1}]}" \
        -H "Authorization: Bearer $token" || return 1
    json_call 201 POST "$shop/checkout" "{\"cart_id\":\"compose-$$\",\"currency\":\"EUR\",\"country\":\"DE\",\"coupon\":\"\"}" \
        -H "Authorization: Bearer $token" -H "Idempotency-Key: compose-$$"
}

judges() {
    timeout 180 "$culprit" run "$1" --target "$target" --duration 5
}

refuses_faults_without_token() {
    json_call 403 PUT "$(address pricing)/-/faults" '{}'
}

# started_again CONTAINER WHEN: it runs since another moment than WHEN, within 30 s.
started_again() {
    local deadline=$((SECONDS + 30))
    until docker inspect --format '{{.State.Running}} {{.State.StartedAt}}' "$1" |
        awk -v when="$2" '{ exit !($1 == "true" && $2 != when) }'; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.2
    done
}

comes_back_after_kill() {
    local id order since
    order=$(jq -er .order_id "$scratch/order.json") || return 1
    id=$(compose ps -q orders)
    since=$(docker inspect --format '{{.State.StartedAt}}' "$id")
    # As an accident would; only root may do that from outside. `docker kill` counts as asked for.
    kill -KILL "$(docker inspect --format '{{.State.Pid}}' "$id")" 2>/dev/null ||
        { docker kill "$id" && docker start "$id"; } || return 1
    started_again "$id" "$since" || return 1
    compose_wait 60 || return 1
    "$compose_directory/target.sh" >"$target" || return 1 # a free port is another one now
    answers 200 "$(address orders)/orders/$order"
}

# ---- the test

echo "with: $(compose_words), $(docker version --format 'engine {{.Server.Version}}')"
check "it builds" timeout 900 "$compose_directory/image.sh"
took=
if is_up >"$scratch/up.log" 2>&1; then
    passed=$((passed + 1))
    echo "ok    it is up and healthy after $took s"
else
    failed=$((failed + 1))
    tail -40 "$scratch/up.log"
    compose logs --tail 5 2>&1 | tail -60
    finish
fi
check "it writes the file for --target" eval "'$compose_directory/target.sh' >'$target'"
check "it runs every service of the topology" runs_every_service
check "it publishes on loopback only" publishes_on_loopback_only
check "it has an image below 30 MB" has_size_below_mb 30
check "it cannot write to its file systems" each '{{.HostConfig.ReadonlyRootfs}}' true
check "it is limited in processes" each '{{.HostConfig.PidsLimit}}' 1280
check "it has each container's memory limited" each '{{gt .HostConfig.Memory 0}}' true
for name in frontend orders collector tax; do
    check "it runs $name as nobody, without a capability" runs_as_nobody "$name"
done
check "it refuses to switch faults without the token" refuses_faults_without_token
check "it sells something" buys
cp "$scratch/answer" "$scratch/order.json"
check "it passes the baseline" judges baseline
check "it is judged right when pricing is sequential" judges pricing-sequential
check "it restarts what was killed, with its data" comes_back_after_kill
finish
