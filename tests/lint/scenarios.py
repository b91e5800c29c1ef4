#!/usr/bin/env python3
"""Every scenario is JSON, bears its file's name, and is data that the schema describes: each key
that a scenario uses stands in the schema."""
import glob
import json
import os
import sys


def known_keys(schema, found):
    if isinstance(schema, dict):
        found.update(schema.get("properties", {}))
        for value in schema.values():
            known_keys(value, found)
    elif isinstance(schema, list):
        for value in schema:
            known_keys(value, found)
    return found


def used_keys(value, found, free=("settings",)):
    if isinstance(value, dict):
        for key, inner in value.items():
            found.add(key)
            if key not in free:
                used_keys(inner, found, free)
    elif isinstance(value, list):
        for inner in value:
            used_keys(inner, found, free)
    return found


def main():
    known = {"$schema"}
    for name in ("scenario", "thresholds"):  # the first one refers to the second
        with open(f"scenarios/schema/{name}.schema.json", encoding="utf-8") as file:
            known_keys(json.load(file), known)
    wrong = []
    paths = sorted(glob.glob("scenarios/*.json"))
    for path in paths:
        with open(path, encoding="utf-8") as file:
            scenario = json.load(file)
        if scenario.get("name") != os.path.basename(path)[:-5]:
            wrong.append(f"{path}: its name is {scenario.get('name')!r}")
        for key in sorted(used_keys(scenario, set()) - known):
            wrong.append(f"{path}: key {key!r} is not in the schema")
    if not paths:
        wrong.append("no scenario found")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
