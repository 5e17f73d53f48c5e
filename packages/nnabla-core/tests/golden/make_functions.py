"""Writes functions.json: what Function objects of NNabla 1.39 say. Run it with an interpreter that has 1.39.

What 1.39 cannot compute on a CPU, or cannot construct from the arguments that it gives, lacks what follows from it.
"""

import json
from pathlib import Path

from function_cases import CASES
from function_description import cleared, describe, dtypes

lines = []
for name, build in CASES.items():
    facts = describe(build())
    for key, ask in (("dtypes", dtypes), ("cleared", cleared)):
        try:
            facts[key] = ask(build())
        except (RuntimeError, TypeError) as error:
            print(f"{name}: no {key}: {error}")
    lines.append(f"  {json.dumps(name)}: {json.dumps(facts)}")
(Path(__file__).parent / "functions.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
