"""What the README promises."""

import re
import subprocess
import sys


def test_the_code_is_fifteen_lines_that_train(root, tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", (root / "README.md").read_text(), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) == 15
    script = tmp_path / "readme.py"
    script.write_text("import numpy; numpy.random.seed(0)\n" + code)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) < 0.4  # ln 2 = 0.69 is what guessing gives


def test_both_commands_name_sessions_of_the_noxfile(root):
    sessions = re.findall(r"@nox\.session\ndef (\w+)", (root / "noxfile.py").read_text())
    commands = re.findall(r"python3 noxfile\.py -s (\w+)", (root / "README.md").read_text())
    assert commands == ["demo", "tests"]
    assert set(commands) <= set(sessions)


def test_continuous_integration_runs_the_readme_test_command(root):
    lines = (root / ".ci/run").read_text().splitlines()
    assert lines[-2:] == ["export NNABLA_TEST_TORCH=1", "python3 noxfile.py -s tests"]


def test_links_lead_to_files(root):
    pages = [*root.glob("*.md"), *root.glob("*/*.md"), *root.glob("*/*/*.md")]
    pages = [page for page in pages if "." not in str(page.relative_to(root).parts[0])[:1]]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text())]
    assert len(links) > 10
    assert [link for page, link in links if not (page.parent / link).exists()] == []
