"""Run the same training and inference cases on several frameworks, in turn, and print ratios.

    python compare.py --ours PYTHON [--torch PYTHON] [--jax PYTHON] [--openvino PYTHON]
                      [--reference PYTHON] [--variants] [--rounds 3] [CASE ...]

Each PYTHON is an interpreter whose environment holds that framework: this project, PyTorch, JAX,
OpenVINO beside PyTorch, and NNabla 1.39.0, the reference. --variants also runs PyTorch with
channels last and compiled, and ends each row with our ratio to the fastest of all. Rounds alternate
A B C A B C, so that the machine's drift hits all alike; a ratio above 1 means that this project is
that many times faster.
"""

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def contenders(args):
    """The command that runs the cases, for each name of a column."""

    def script(python, name, *flags):
        return [python, str(HERE / name), *flags]

    found = {"ours": script(args.ours, "nnabla_cases.py")}
    if args.torch:
        found["torch"] = script(args.torch, "torch_cases.py")
        if args.variants:
            found["ch_last"] = script(args.torch, "torch_cases.py", "--channels-last")
            found["compiled"] = script(args.torch, "torch_cases.py", "--compile")
    if args.jax:
        found["jax"] = script(args.jax, "jax_cases.py")
    if args.openvino:
        found["openvino"] = script(args.openvino, "openvino_cases.py")
    if args.reference:
        found["reference"] = script(args.reference, "nnabla_cases.py")
    return found


def measure(command, cases):
    """Run the cases once; return milliseconds by case, None for a case that failed."""
    done = subprocess.run([*command, *cases], capture_output=True, text=True)
    times = {}
    for line in done.stdout.splitlines():
        words = line.split()
        if len(words) == 3 and words[2] == "ms":
            times[words[0]] = float(words[1])
        elif "ERROR" in words[1:2]:
            times[words[0]] = None
            print(line, file=sys.stderr)
    if done.returncode != 0:
        print(f"{' '.join(command)} failed:\n{done.stderr}", file=sys.stderr)
    return times


def table(names, runs, cases, variants):
    """The lines of the result: medians over the rounds, then ours against each other contender."""
    others = names[1:]
    columns = [*names, *(f"vs {name}" for name in others), *["vs best"] * variants]
    yield f"{'case':36}" + "".join(f"{column:>14}" for column in columns)
    for case in cases:
        medians = {}
        for name in names:
            values = [run[case] for run in runs[name] if run.get(case) is not None]
            medians[name] = statistics.median(values) if values else None
        rivals = [medians[name] for name in others]
        if variants:
            rivals.append(min((value for value in rivals if value), default=None))
        ours = medians["ours"]
        row = [f"{medians[name]:11.3f} ms" if medians[name] else f"{'-':>14}" for name in names]
        row += [f"{rival / ours:13.2f}x" if rival and ours else f"{'-':>14}" for rival in rivals]
        yield f"{case:36}" + "".join(row)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", metavar="PYTHON", required=True)
    for name in ("torch", "jax", "openvino", "reference"):
        parser.add_argument(f"--{name}", metavar="PYTHON")
    parser.add_argument("--variants", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("cases", metavar="CASE", nargs="*")
    args = parser.parse_args()

    commands = contenders(args)
    runs = {name: [] for name in commands}
    for _ in range(args.rounds):
        for name, command in commands.items():
            runs[name].append(measure(command, args.cases))
    cases = args.cases or list(runs["ours"][0])
    print("\n".join(table(list(commands), runs, cases, args.variants)))
    failed = [case for case in cases if not any(run.get(case) for run in runs["ours"])]
    if failed or not cases:
        sys.exit(f"cases that failed here: {', '.join(failed) or 'all'}")


if __name__ == "__main__":
    main()
