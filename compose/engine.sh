# To be sourced: what the scripts beside it share. Works with current Compose and with docker-compose
# 1.29; COMPOSE says which one where both are there.

compose_directory=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root_directory=$(dirname "$compose_directory")

die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

engine_is_there() {
    command -v docker >/dev/null && timeout 20 docker info >/dev/null 2>&1
}

# The words that start Compose; none: empty.
compose_words() {
    if [ -n "${COMPOSE:-}" ]; then
        echo "$COMPOSE"
    elif docker compose version >/dev/null 2>&1; then
        echo "docker compose"
    elif command -v docker-compose >/dev/null; then
        echo "docker-compose"
    fi
}

compose() {
    local words
    words=$(compose_words)
    [ -n "$words" ] || die "neither \`docker compose\` nor docker-compose is installed"
    $words -f "$compose_directory/compose.yaml" "$@"
}

# Waits until all containers of the project are healthy: SECONDS at most.
compose_wait() {
    local deadline=$((SECONDS + $1)) waiting ids
    ids=$(compose ps -q) && [ -n "$ids" ] || return 1
    while :; do
        # shellcheck disable=SC2086
        waiting=$(docker inspect --format \
            '{{index .Config.Labels "com.docker.compose.service"}} {{.State.Health.Status}}' $ids |
            awk '$2 != "healthy" { printf "%s%s", sep, $1; sep = " " }')
        [ -z "$waiting" ] && return 0
        if [ "$SECONDS" -ge "$deadline" ]; then
            echo "not healthy after $1 s: $waiting" >&2
            return 1
        fi
        sleep 0.5
    done
}
