"""Holds JSON against the part of JSON Schema that the schemas of scenarios/schema use for reports.
A keyword that it does not know is an error, and so is a key that no schema describes."""

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None),
         "integer": int, "number": (int, float)}
WORDS = {"$schema", "title", "description", "type", "const", "enum", "required", "properties",
         "additionalProperties", "items", "$ref", "$defs", "allOf"}


def is_of(value, name):
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, TYPES[name])


def resolve(schema, root):
    """The parts that apply together."""
    assert set(schema) <= WORDS, set(schema) - WORDS
    parts = [schema]
    if "$ref" in schema:
        parts += resolve(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
    for part in schema.get("allOf", []):
        parts += resolve(part, root)
    return parts


def validate(value, schema, root=None, at="$"):
    root = root or schema
    parts = resolve(schema, root)
    for part in parts:
        names = part.get("type", [])
        names = [names] if isinstance(names, str) else names
        assert not names or any(is_of(value, name) for name in names), (at, names, value)
        assert "const" not in part or value == part["const"], (at, value)
        assert "enum" not in part or value in part["enum"], (at, value)
        assert set(part.get("required", [])) <= set(value if isinstance(value, dict) else []), (
            at, set(part["required"]) - set(value))
    if isinstance(value, list):
        for item_schema in [part["items"] for part in parts if "items" in part]:
            for i, item in enumerate(value):
                validate(item, item_schema, root, f"{at}[{i}]")
    if isinstance(value, dict):
        for key, member in value.items():
            own = [part["properties"][key] for part in parts if key in part.get("properties", {})]
            own = own or [part["additionalProperties"] for part in parts
                          if part.get("additionalProperties")]
            assert own, f"{at}.{key}: no schema describes it"
            for one in own:
                validate(member, one, root, f"{at}.{key}")
