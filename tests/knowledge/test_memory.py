"""The rows nearest to a text speak for their labels, as far as that foretells rows that were added."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tunesmith.core.fusion import Asked
from tunesmith.knowledge import memory as module
from tunesmith.knowledge.memory import Memory

LABELS = ("bad", "good", "odd")
CENTRES = np.eye(3, 8)


def unit(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def drawn(rows: int, seed: int, spread: float = 0.2) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Vectors around a place of their class, and the classes."""
    random = np.random.default_rng(seed)
    classes = np.arange(rows) % 3
    return CENTRES[classes] + spread * random.normal(size=(rows, 8)), classes


def remembered(rows: int = 30, *, answers: Any = "even", seed: int = 1) -> Memory:
    vectors, classes = drawn(rows, seed)
    said = np.full((rows, 3), 1 / 3) if isinstance(answers, str) else answers
    return Memory.of(
        LABELS, vectors, classes, [f"text {n}" for n in range(rows)], [f"row {n}" for n in range(rows)], said
    )


def test_it_is_a_product_of_model_and_nearest_rows() -> None:
    known = remembered(5)
    memory = module.replace(known, power=0.7, share=0.4, floor=0.1, width=0.2)
    vectors, answers = np.random.default_rng(2).normal(size=(4, 8)), np.random.default_rng(3).dirichlet([1, 1, 1], 4)
    cosines = unit(vectors) @ unit(drawn(5, 1)[0]).T
    mass = np.exp((cosines - 1) / 0.2) @ np.eye(3)[known.classes]
    raised = answers**0.7 * (0.1 / 3 + mass) ** 0.4
    found = memory.adjust(answers, Asked((), vectors))
    np.testing.assert_allclose(found, raised / raised.sum(1, keepdims=True), atol=2e-3)  # kept in half precision


def test_only_the_nearest_speak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEAREST", 1)
    memory = module.replace(remembered(30), share=1.0, floor=1e-6, width=0.5)
    vectors, classes = drawn(30, 1)
    np.testing.assert_array_equal(memory.adjust(np.full((30, 3), 1 / 3), Asked((), vectors)).argmax(1), classes)


def test_what_foretells_added_rows_is_heard_and_what_does_not_is_not() -> None:
    useful = remembered().fitted()
    assert useful.share > 0
    vectors, classes = drawn(60, 9)
    found = useful.adjust(np.full((60, 3), 1 / 3), Asked((), vectors))
    assert (found.argmax(1) == classes).mean() > 0.9
    noise = Memory.of(LABELS, np.random.default_rng(4).normal(size=(60, 8)), np.arange(60) % 3, ["t"] * 60, ["r"] * 60,
                      np.full((60, 3), 1 / 3)).fitted()  # fmt: skip
    assert (noise.share, noise.power) == (0.0, 1.0)
    answers = np.random.default_rng(5).dirichlet([1, 1, 1], 60)
    assert noise.adjust(answers, Asked((), vectors)) is answers
    assert noise.evidence(answers, Asked((), vectors)) == [()] * 60


def test_a_model_that_knows_the_rows_needs_no_memory() -> None:
    _, classes = drawn(30, 1)
    assert remembered(answers=np.eye(3)[classes] * 0.97 + 0.01).fitted().share == 0.0


def test_a_row_does_not_foretell_itself() -> None:
    vectors, classes = np.random.default_rng(6).normal(size=(40, 30)), np.arange(40) % 2
    memory = Memory.of(LABELS, vectors, classes, ["t"] * 40, ["r"] * 40, np.full((40, 3), 1 / 3))
    for sure in (memory.fitted(), module.replace(memory, share=1.0, floor=0.01, width=0.05)):
        right = (sure.foretold().argmax(1) == classes).mean()
        assert right < 0.75  # by itself each would be right


def test_rows_of_the_training_speak_but_are_not_foretold() -> None:
    vectors, classes = drawn(12, 7)
    trained = Memory.of(LABELS, vectors, classes, [f"old {n}" for n in range(12)], ["train"] * 12)
    assert trained.fitted() is trained
    both = trained.joined(remembered(6))
    assert both.fresh.sum() == len(both.answers) == len(both.foretold()) == 6
    assert len(both) == 18
    near = module.replace(both, share=1.0, floor=0.01, width=0.1).evidence(
        np.full((1, 3), 1 / 3), Asked((), vectors[[3]])
    )
    assert near[0][0] == 'near "old 3" (bad, cosine 1.00, train)'
    assert near[0][-1] == "without memory: bad 0.33"
    assert len(near[0]) == module.SHOWN + 1


def test_large_memories_are_gone_through_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = module.replace(remembered(30), share=0.5, width=0.2)
    vectors, answers = drawn(50, 3)[0], np.random.default_rng(0).dirichlet([1, 1, 1], 50)
    whole = memory.adjust(answers, Asked((), vectors)), memory.foretold(), memory.evidence(answers, Asked((), vectors))
    monkeypatch.setattr(module, "AT_ONCE", 70)
    parts = memory.adjust(answers, Asked((), vectors)), memory.foretold(), memory.evidence(answers, Asked((), vectors))
    np.testing.assert_allclose(whole[0], parts[0], atol=1e-6)
    np.testing.assert_allclose(whole[1], parts[1], atol=1e-6)
    assert whole[2] == parts[2]


def test_state_and_load() -> None:
    memory = remembered().fitted()
    again = Memory.load(memory.state())
    vectors, answers = drawn(9, 8)[0], np.full((9, 3), 1 / 3)
    np.testing.assert_array_equal(again.adjust(answers, Asked((), vectors)), memory.adjust(answers, Asked((), vectors)))
    np.testing.assert_array_equal(again.foretold(), memory.foretold())
    assert again.evidence(answers, Asked((), vectors)) == memory.evidence(answers, Asked((), vectors))
