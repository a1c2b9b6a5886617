"""What was asked and what it stood on: recipe and lock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from tunesmith.core.report_schema import ReportData
from tunesmith.report.markup import Markup, join, tag
from tunesmith.report.sections.section import Section, details


def recipe(report: ReportData) -> Section | None:
    """Return the complete recipe, behind a line that opens it."""
    asked, digest = report.get("recipe"), report.get("recipe_digest")
    if not asked and not digest:
        return None
    same = (
        tag("p", "Digest ", tag("code", digest), "; runs with the same digest were asked for the same.")
        if digest
        else None
    )
    return Section("recipe", "Recipe", join(same, details("The complete recipe", _document(asked)) if asked else None))


def lock(report: ReportData) -> Section | None:
    """Return the lock, behind a line that opens it."""
    held = report.get("lock")
    if not held:
        return None
    lead = tag("p", "What the run stood on, written before any work: versions, hardware, data hashes, seed.")
    return Section("lock", "Lock", join(lead, details("The complete lock", _document(held))))


def _document(content: Mapping[str, Any]) -> Markup:
    written = yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=100)
    return tag("pre", tag("code", written), tabindex="0")
