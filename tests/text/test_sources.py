"""Texts and targets → tokens: what the decoder of each family reads and writes, and what does not fit."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tunesmith.core.example import WritingExample
from tunesmith.engine.infer import outputs
from tunesmith.errors import InputError
from tunesmith.jobs.room import room_findings
from tunesmith.models.tiny import save_tiny
from tunesmith.models.tinywriters import WRITERS, save_tiny_writer
from tunesmith.models.warmstart import warm_start
from tunesmith.models.write import decoder_start, load_writer
from tunesmith.tasks.seq2seq import Seq2Seq
from tunesmith.text.batching import Collator, padding_id
from tunesmith.text.windows import Encoder

ROWS = [
    ("the film was good", "good film"),
    ("a book so bad, and a film that was worse", "bad"),
    ("my day", "it felt odd, so very odd"),
    ("the book", "good good good good"),
]
FAMILIES = (*sorted(name for name, writer in WRITERS.items() if writer.problem == "seq2seq"), "bert+bert")
Loaded = tuple[Any, Encoder]


def examples(rows: list[tuple[str, str]] = ROWS) -> list[WritingExample]:
    return [
        WritingExample(id=str(n), source=f"rows.csv row {n}", text=text, target=target)
        for n, (text, target) in enumerate(rows, 1)
    ]


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Loaded]:
    """Return model and encoder of a family, made once."""
    place = tmp_path_factory.mktemp("writers")
    texts = [text for row in ROWS for text in row]
    known: dict[str, Loaded] = {}

    def get(family: str) -> Loaded:
        if family not in known:
            folder = place / family
            if family == "bert+bert":
                model, tokenizer = warm_start(save_tiny(place / "bert", texts), seed=3)
                model.save_pretrained(folder)
                tokenizer.save_pretrained(folder)
            else:
                save_tiny_writer(folder, texts, family=family)
            model, tokenizer = load_writer(folder, "seq2seq")
            known[family] = model, Encoder(tokenizer, 64, layout="source", start=decoder_start(folder, tokenizer))
        return known[family]

    return get


def collator(encoder: Encoder) -> Collator:
    return Collator(padding_id(encoder.tokenizer), "seq2seq", encoder.tokenizer.padding_side)


@pytest.mark.parametrize(
    ("family", "read", "written"),
    [
        ("t5", ["<pad>", "▁good", "▁film"], ["▁good", "▁film", "</s>"]),
        ("bart", ["</s>", "<s>", "good", "Ġfilm"], ["<s>", "good", "Ġfilm", "</s>"]),
        ("mbart", ["fr_XX", "▁good", "▁film", "</s>"], ["▁good", "▁film", "</s>", "fr_XX"]),
        ("marian", ["<pad>", "▁good", "▁film"], ["▁good", "▁film", "</s>"]),
        ("nllb", ["</s>", "fra_Latn", "▁good", "▁film"], ["fra_Latn", "▁good", "▁film", "</s>"]),
        ("bert+bert", ["[CLS]", "good", "film"], ["good", "film", "[SEP]"]),
    ],
)
def test_what_the_decoder_reads_and_writes(
    load: Callable[[str], Loaded], family: str, read: list[str], written: list[str]
) -> None:
    _, encoder = load(family)
    [found] = encoder.encode(examples(ROWS[:1]))
    names = encoder.tokenizer.convert_ids_to_tokens
    inputs = {name: list(ids) for name, ids in found.inputs.items()}
    whole, target = names(inputs["decoder_input_ids"]), names(found.target)
    assert (whole, target) == (read, written)
    assert inputs["decoder_attention_mask"] == [1] * len(target)
    assert found.units == len(target)
    assert list(found.places or ()) == [(at, at, at) for at in range(len(target))]
    asked = encoder.tokenizer(ROWS[0][0])["input_ids"]
    assert inputs["input_ids"] == asked == encoder.prompts(examples(ROWS[:1]))[0]


@pytest.mark.parametrize("family", FAMILIES)
def test_losses_are_those_of_the_library(load: Callable[[str], Loaded], family: str) -> None:
    """The mean over tokens is what the library's own `labels=` gives, whatever the padding."""
    model, encoder = load(family)
    task, features = Seq2Seq(), encoder.encode(examples())
    batch = collator(encoder)(features)
    assert batch.targets is not None
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # an encoder-decoder announces a change of its loss
        losses = task.losses(task.read(model(**batch.inputs), batch), batch)
        longest = max(batch.sizes)
        labels = torch.tensor([[*f.target, *[-100] * (longest - f.units)] for f in features])
        theirs = model(
            input_ids=batch.inputs["input_ids"], attention_mask=batch.inputs["attention_mask"], labels=labels
        ).loss
    assert len(losses) == sum(batch.sizes) == int((labels != -100).sum())
    assert float(losses.mean()) == pytest.approx(float(theirs), rel=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_padding_changes_nothing(load: Callable[[str], Loaded], family: str) -> None:
    model, encoder = load(family)
    task, features = Seq2Seq(), encoder.encode(examples())
    together, alone = (
        outputs(model, task, features, collator(encoder), size=size).by_example() for size in (len(ROWS), 1)
    )
    assert [len(part) for part in together] == [f.units for f in features]
    for one, other in zip(together, alone, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_each_side_is_padded_to_its_own_longest(load: Callable[[str], Loaded]) -> None:
    _, encoder = load("t5")
    features = encoder.encode(examples())
    batch = collator(encoder)(features)
    read, written = max(len(f.inputs["input_ids"]) for f in features), max(f.units for f in features)
    assert {name: value.shape[1] for name, value in batch.inputs.items()} == {
        "input_ids": read, "attention_mask": read, "decoder_input_ids": written, "decoder_attention_mask": written,
    }  # fmt: skip
    assert read != written, "the test could not fail"
    assert batch.tokens == sum(f.length for f in features)
    assert [f.length for f in features] == [len(f.inputs["input_ids"]) + f.units for f in features]
    assert batch.places_taken == len(ROWS) * (read + written) > batch.tokens
    ids, mask = batch.inputs["decoder_input_ids"], batch.inputs["decoder_attention_mask"]
    assert set(ids[mask == 0].tolist()) == {encoder.tokenizer.pad_token_id}
    assert batch.weights.tolist() == [1.0] * sum(batch.sizes)
    left = Collator(padding_id(encoder.tokenizer), "seq2seq", "left")(features)
    assert torch.equal(left.inputs["input_ids"], batch.inputs["input_ids"]), "behind a decoder nothing stands left"
    assert torch.equal(left.places, batch.places)  # type: ignore[arg-type]


def test_what_does_not_fit_is_cut_and_said(load: Callable[[str], Loaded]) -> None:
    _, encoder = load("t5")
    sizes = encoder.sizes(examples())
    assert sizes == [(f.length - f.units, f.units) for f in encoder.encode(examples())]
    short = replace(encoder, max_tokens=6)
    cuts = short.cuts(examples())
    wanted = ["answer" if written > 6 else "prompt" if read > 6 else "" for read, written in sizes]
    assert [cut for cut, _ in cuts] == wanted
    assert {"answer", "prompt"} <= set(wanted), "the test could not fail"
    end = encoder.tokenizer.eos_token_id
    for found, (read, written) in zip(short.encode(examples()), sizes, strict=True):
        assert found.length - found.units == min(6, read)
        assert found.inputs["input_ids"][-1] == end, "a text that is cut off still ends"
        assert found.units == min(6, written)
        assert (found.target[-1] == end) == (written <= 6), "a target that is cut off does not end"
    findings = {finding.code: finding for finding in room_findings(short, examples())}
    assert findings["K321"].count == wanted.count("answer")
    assert findings["K320"].count == wanted.count("prompt")
    assert "its end is left out" in findings["K320"].message
    assert room_findings(encoder, examples()) == ()


def test_an_instruction_stands_before_every_text(load: Callable[[str], Loaded]) -> None:
    _, encoder = load("t5")
    asked = replace(encoder, prefix="the film:")
    ids = asked.prompts(examples())
    assert ids == [encoder.tokenizer(f"the film: {text}")["input_ids"] for text, _ in ROWS]
    assert [list(f.inputs["input_ids"]) for f in asked.encode(examples())] == ids
    assert [f.target for f in asked.encode(examples())] == [f.target for f in encoder.encode(examples())]


def test_unknown_pieces_are_looked_for_on_both_sides(load: Callable[[str], Loaded]) -> None:
    _, encoder = load("marian")
    assert encoder.unknown_share(["good film"], written=True) == 0
    assert encoder.unknown_share(["北京大学"], written=True) > 0.4


def test_a_decoder_without_a_start_is_refused(tmp_path: Path) -> None:
    import json

    folder = save_tiny_writer(tmp_path / "t5", [row[0] for row in ROWS], family="t5")
    _, tokenizer = load_writer(folder, "seq2seq")
    for name in ("config.json", "generation_config.json"):
        plain = json.loads((folder / name).read_text(encoding="utf-8"))
        plain["decoder_start_token_id"] = None
        (folder / name).write_text(json.dumps(plain), encoding="utf-8")
    with pytest.raises(InputError, match=r"K309(.|\n)*starts from"):
        decoder_start(folder, tokenizer)
