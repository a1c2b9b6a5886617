"""Rows of a data set on the Hugging Face hub."""

from __future__ import annotations

import hashlib

import numpy as np

from tunesmith.data.parquet import plain_table
from tunesmith.data.table import Table
from tunesmith.errors import Fault, InputError, MissingExtra


def read_hub(source: str) -> Table:
    """Read `hub:NAME[@configuration][:split]`; the split is `train` where none is named.

    Raises:
        MissingExtra: `datasets` is not installed.
        InputError: the data set is neither in the cache nor reachable, or has no such split or configuration.
    """
    try:
        import datasets
    except ImportError:
        raise MissingExtra(f"reading {source}", "datasets", "hub") from None
    name, _, split = source.removeprefix("hub:").partition(":")
    name, _, configuration = name.partition("@")
    try:
        rows = datasets.load_dataset(name, configuration or None, split=split or "train")
    except Exception as error:  # the library raises a dozen unrelated kinds for a wrong name and for no network
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            Fault(
                "K129", source, f"the data set could not be loaded ({reason.rstrip('.')}).",
                "Check name, configuration (hub:NAME@CONFIGURATION) and split (hub:NAME:SPLIT), and the network; or "
                "download its files where there is one, and name a file.",
            )
        ) from None  # fmt: skip
    names = {
        column: list(feature.names)
        for column, outer in rows.features.items()
        if isinstance(feature := getattr(outer, "feature", outer), datasets.ClassLabel)
    }
    data = plain_table(rows.data.table if rows._indices is None else rows.flatten_indices().data.table, names)
    digest = hashlib.sha256(str(rows._fingerprint).encode()).hexdigest()
    return Table(source, data, np.arange(1, data.num_rows + 1), data.num_rows, digest)
