"""Writes functions.json: what Function objects of NNabla 1.39 say. Run it with an interpreter that has 1.39."""

import json
from pathlib import Path

from function_cases import CASES, describe

lines = [f"  {json.dumps(name)}: {json.dumps(describe(build()))}" for name, build in CASES.items()]
(Path(__file__).parent / "functions.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
