"""The heads of our own are known to the Auto classes, whatever is imported first."""

from __future__ import annotations

import subprocess
import sys

import pytest

KNOWN = """
from tunesmith.models.patterned import PatternedConfig
from tunesmith.models.pooled import PooledConfig
from transformers import AutoConfig, AutoModelForSequenceClassification
assert PooledConfig in AutoModelForSequenceClassification._model_mapping
assert PatternedConfig in AutoModelForSequenceClassification._model_mapping
assert AutoConfig.for_model("tunesmith_pooled").pooling == "mean"
assert AutoConfig.for_model("tunesmith_patterned").activation == "gelu"
"""


@pytest.mark.parametrize(
    "first",
    ["import tunesmith", "import transformers, tunesmith", "from transformers import AutoModel\nimport tunesmith",
     "import tunesmith\nfrom transformers import AutoConfig", "import tunesmith.models.heads"],
)  # fmt: skip
def test_it_is_registered(first: str) -> None:
    done = subprocess.run([sys.executable, "-c", first + KNOWN], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_import_tunesmith_loads_no_torch() -> None:
    code = (
        "import sys, tunesmith; print([m for m in ('torch', 'transformers', 'numpy', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
