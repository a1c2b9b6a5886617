from __future__ import annotations

import pickle

import pytest

from tunesmith.errors import Fault, InputError, MissingExtra, RunError, TunesmithError

FAULTS = [Fault("K101", "train.csv", "is not there.", "Look again."), Fault("K501", "step 3", "not a number.")]


@pytest.mark.parametrize("error", [InputError(FAULTS), RunError(FAULTS[1]), MissingExtra("a job", "peft", "adapters")])
def test_an_error_comes_out_of_another_process_as_it_went_in(error: TunesmithError) -> None:
    found = pickle.loads(pickle.dumps(error))
    assert type(found) is type(error)
    assert found.faults == error.faults
    assert str(found) == str(error)
    assert found.exit_code == error.exit_code
