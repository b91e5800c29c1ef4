#!/bin/bash
# Starts the containers, waits until all are healthy, and writes their addresses to build/compose.json.
set -euo pipefail
. "$(dirname "$0")/engine.sh"
target=${1:-$root_directory/build/compose.json}

if [ ! -e "$compose_directory/.env" ]; then
    token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    (umask 077 && sed "s/^CULPRIT_CONTROL_TOKEN=\$/&$token/" "$compose_directory/.env.example" \
        >"$compose_directory/.env")
    echo "compose/.env: made, with a control token of its own"
fi
begin=$(date +%s%N)
compose up -d
compose_wait 90 || die "the containers did not get healthy; \`docker compose logs\` may say why"
mkdir -p "$(dirname "$target")"
(umask 077 && "$compose_directory/target.sh" >"$target")
printf 'healthy after %s s\n' "$(awk -v ns=$(($(date +%s%N) - begin)) 'BEGIN { printf "%.1f", ns / 1e9 }')"
sed -n 's/^ *"\(frontend\|query\)": "\(.*\)",*$/  \1  \2/p' "$target" |
    sed 's/frontend/shop  /; s/query/traces/'
echo "  culprit run SCENARIO --target $target; make compose-down stops all"
