"""The section on what was forgotten: gains and losses in one table, and nothing where nothing was measured."""

from __future__ import annotations

from typing import Any

from tunesmith.report.page import render_page


def score(value: float, n: int = 160) -> dict[str, Any]:
    return {"value": value, "low": value - 0.05, "high": value + 0.04, "n": n}


def report() -> dict[str, Any]:
    history = [
        {"stage": "select", "step": step, "epoch": step / 5, "train_loss": 0.5, "dev_loss": 0.5, "dev_score": dev,
         "general": general}
        for step, dev, general in ((0, 0.3, 1.0), (5, 0.7, 0.9), (10, 0.8, 0.7))
    ]  # fmt: skip
    return {
        "run": "r", "metric": "accuracy", "watched": "accuracy", "kept_step": 5, "verdict": "Better.",
        "test": {"accuracy": score(0.9, 40)},
        "baselines": {"frozen": {"title": "frozen model with a linear head", "scores": {"accuracy": score(0.8, 40)}}},
        "comparison": {"against": {"frozen": {"difference": score(0.1, 40), "outcome": "tuned better"}}},
        "history": [*history, {"stage": "refit", "step": 10, "epoch": 2.0, "train_loss": 0.1}],
        "forgetting": {
            "text": "news.txt", "texts": 160, "verdict": "Little was forgotten.", "agreement": score(0.85),
            "layers": [{"layer": 0, "cka": 1.0}, {"layer": 1, "cka": 0.8}, {"layer": 2, "cka": 0.6}],
            "probe": {"metric": "accuracy", "topics": 10, "before": score(0.7), "after": score(0.6),
                      "difference": score(-0.1)},
            "language": {"metric": "perplexity", "before": score(12.0), "after": score(15.0),
                         "difference": score(3.0)},
        },
    }  # fmt: skip


def test_gains_and_losses_stand_in_one_table_with_intervals() -> None:
    page = render_page(report())
    for words in (
        "before: frozen model with a linear head", "+10.0 points", "0.85", "\u22120.15", "\u22120.20 to \u22120.11",
        "Accuracy on topics of general texts", "\u221210.0 points", "Perplexity on general text", "news.txt",
        "linear CKA", "kept: step 5",
    ):  # fmt: skip
        assert words in page, words


def test_only_what_was_measured_is_shown() -> None:
    bare = report()
    bare["forgetting"] = {"texts": 3, "verdict": "Little."}
    bare["history"] = [{key: value for key, value in m.items() if key != "general"} for m in bare["history"]]
    del bare["baselines"]
    page = render_page(bare)
    assert "What was forgotten" in page
    assert "linear CKA" not in page
    assert "Gained and lost" not in page
    del bare["forgetting"]
    assert "What was forgotten" not in render_page(bare)


def test_where_dev_loss_turned_is_marked_and_told() -> None:
    turned = report()
    turned["overfitting"] = {
        "kept_epochs": 1.0, "turn": {"step": 5, "epoch": 1.0},
        "findings": [{"code": "K519", "message": "Dev loss rose.", "remedy": "Try freeze."}],
    }  # fmt: skip
    page = render_page(turned)
    assert "dev loss turns" in page
    assert "Dev loss rose. Try freeze." in page
    assert "saw each train row once" in page
    assert "dev loss turns" not in render_page(report())


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, (*path, key))]
    if isinstance(value, list):
        return [leaf for at, inner in enumerate(value) for leaf in leaves(inner, (*path, at))]
    return [path]


def test_any_figure_may_be_missing() -> None:
    paths = [path for path in leaves(report()) if path[0] in ("forgetting", "history", "baselines", "test")]
    assert len(paths) > 50
    for path in paths:
        bare: Any = report()
        inner = bare
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = None
        assert "<main>" in render_page(bare), path
