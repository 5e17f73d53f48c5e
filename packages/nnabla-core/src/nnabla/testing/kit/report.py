"""Checks, what came of them, and the table that tells it."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

__all__ = ["FAILED", "FALLS_BACK", "NOT_SUPPORTED", "PASSED", "Check", "FallsBack", "NotSupported", "Outcome", "Report"]

PASSED, FAILED, FALLS_BACK, NOT_SUPPORTED = "passed", "failed", "falls back", "not supported"
STATUSES = (PASSED, FAILED, FALLS_BACK, NOT_SUPPORTED)


class FallsBack(Exception):
    """The subject leaves this to another plugin, which does it right."""


class NotSupported(Exception):
    """The subject declares that it does not do this."""


@dataclass(frozen=True)
class Check:
    """One thing to be seen of a plugin.

    Attributes:
        group: The row of the table: a family of operators, or a kind of rules.
        subject: What it is seen on, such as a case.
        name: What is seen.
        run: Returns if it is so, and otherwise raises: FallsBack, NotSupported, or anything else for a failure.
    """

    group: str
    subject: str
    name: str
    run: Callable[[], None]

    @property
    def id(self) -> str:
        """Return ``group-subject-name``."""
        return "-".join(part for part in (self.group, self.subject, self.name) if part).replace(" ", "_")


@dataclass(frozen=True)
class Outcome:
    """What came of a check.

    Attributes:
        group, subject, check: As in :class:`Check`.
        status: One of ``passed``, ``failed``, ``falls back``, ``not supported``.
        detail: Why, in one line; empty where it passed.
        traceback: Of a failure.
    """

    group: str
    subject: str
    check: str
    status: str
    detail: str = ""
    traceback: str = ""


@dataclass
class Report:
    """Outcomes of the checks of one plugin.

    Attributes:
        title: What was checked: ``backend 'sample'``.
        outcomes: In the order in which they came.
    """

    title: str
    outcomes: list[Outcome] = field(default_factory=list)

    def run(self, checks: Iterable[Check]) -> Report:
        """Run checks and keep what came of them; return the report."""
        for check in checks:
            self.outcomes.append(_outcome(check))
        return self

    @property
    def failures(self) -> list[Outcome]:
        """The outcomes that are failures."""
        return [outcome for outcome in self.outcomes if outcome.status == FAILED]

    @property
    def ok(self) -> bool:
        """Whether something passed and nothing failed."""
        return not self.failures and any(outcome.status == PASSED for outcome in self.outcomes)

    def table(self) -> str:
        """Return the counts by group, and below them a line for each failure."""
        groups: dict[str, dict[str, int]] = {}
        for outcome in self.outcomes:
            counts = groups.setdefault(outcome.group, dict.fromkeys(STATUSES, 0))
            counts[outcome.status] += 1
        total = {status: sum(counts[status] for counts in groups.values()) for status in STATUSES}
        rows: list[tuple[str, ...]] = [(self.title, *STATUSES)]
        rows += [(name, *(str(n or "-") for n in counts.values())) for name, counts in {**groups, "all": total}.items()]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))])
            for row in rows
        ]
        lines[1:1] = lines[-1:-1] = ["-" * len(lines[0])]
        if self.failures:
            lines += ["", *(f"FAILED {o.group}: {o.subject}: {o.check}: {o.detail}" for o in self.failures)]
        if not self.outcomes:
            lines += ["", "FAILED: nothing was checked"]
        return "\n".join(lines)

    def write_json(self, path: Path) -> None:
        """Write the counts and all outcomes."""
        counts = {status: sum(o.status == status for o in self.outcomes) for status in STATUSES}
        content = {"title": self.title, "ok": self.ok, "counts": counts, "outcomes": [asdict(o) for o in self.outcomes]}
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _outcome(check: Check) -> Outcome:
    named = (check.group, check.subject, check.name)
    try:
        check.run()
    except FallsBack as reason:
        return Outcome(*named, FALLS_BACK, str(reason))
    except NotSupported as reason:
        return Outcome(*named, NOT_SUPPORTED, str(reason))
    except Exception as error:
        detail = " ".join(f"{type(error).__name__}: {error}".split())
        return Outcome(*named, FAILED, detail[:300], traceback.format_exc())
    return Outcome(*named, PASSED)
