from __future__ import annotations

import subprocess
import sys

import pytest

import tunesmith


def test_the_public_names_are_these_sixteen() -> None:
    assert len(tunesmith.__all__) == 16
    assert sorted(tunesmith.__all__) == [
        "Bundle", "Recipe", "Run", "add_memory", "check", "clear_memory", "compare", "converse", "evaluate", "fuse",
        "label_rows", "load", "merge", "predict", "train", "try_rules",
    ]  # fmt: skip
    assert set(tunesmith.__all__) <= set(dir(tunesmith))


@pytest.mark.parametrize("name", tunesmith.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    member = getattr(tunesmith, name)
    assert callable(member)
    assert (member.__doc__ or "").strip()


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = tunesmith.nothing


def test_importing_loads_nothing_heavy() -> None:
    probe = "import sys, tunesmith; print({'torch', 'transformers', 'pydantic', 'numpy', 'typer'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
