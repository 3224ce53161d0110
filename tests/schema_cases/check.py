#!/usr/bin/env python3
"""check.py SCHEMA CASES: tries every document of CASES against a JSON Schema; the comment behind its --- says what must
come out. Needs PyYAML and jsonschema."""

import json
import re
import sys

import jsonschema
import yaml

schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
wrong = count = 0
for part in re.split(r"^--- # ", open(sys.argv[2]).read(), flags=re.M)[1:]:
    label, _, text = part.partition("\n")
    accepted = validator.is_valid(yaml.safe_load(text))
    count += 1
    if accepted == label.startswith("refused"):
        wrong += 1
        print(f"{sys.argv[2]}: the schema {'accepts' if accepted else 'refuses'} ({label}):\n{text}", file=sys.stderr)
print(f"{sys.argv[2]}: {count} cases, {wrong} wrong")
sys.exit(1 if wrong or not count else 0)
