#!/bin/bash
# Stops the containers and removes them, their network and their data. The image stays.
set -euo pipefail
. "$(dirname "$0")/engine.sh"
compose down -v --remove-orphans
rm -f "$root_directory/build/compose.json"
