"""Before anything is learnt the head says of the words what the masked language model says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForMaskedLM, AutoModelForSequenceClassification

from tunesmith.core.task import HeadSpec
from tunesmith.errors import InputError
from tunesmith.models.body import body_of
from tunesmith.models.cloze import ACTIVATIONS, word_ids
from tunesmith.models.heads import final_linear, fold
from tunesmith.models.load import load_model, load_tokenizer, title_of
from tunesmith.models.parts import heads
from tunesmith.models.register import register
from tunesmith.models.tiny import FAMILIES, SMALL, save_tiny, tiny_tokenizer
from tunesmith.recipe.schema import Pattern
from tunesmith.text.cloze import Cloze

TEXTS = ["the film was good", "a book so bad, a very long one", "good", ""]
HEAD = HeadSpec("single_label_classification", ("no", "yes"))
PATTERN = Pattern(text="{text} It was {mask}.", words={"yes": "good film", "no": "bad"})
OTHERS: dict[str, dict[str, Any]] = {
    "albert": {**SMALL, "embedding_size": 8}, "mpnet": SMALL, "camembert": {**SMALL, "pad_token_id": 0},
}  # fmt: skip
"""Architectures that are read with the tokenizer of BERT here."""


def save(folder: Path, family: str, **changes: Any) -> Path:
    """Write a tiny masked language model whose biases and norms are not those of a new one."""
    tokenizer = tiny_tokenizer(TEXTS * 9, family if family in FAMILIES else "bert")
    options = {**(FAMILIES[family].options if family in FAMILIES else OTHERS[family]), **changes}
    torch.manual_seed(3)
    model = AutoModelForMaskedLM.from_config(AutoConfig.for_model(family, vocab_size=len(tokenizer), **options))
    for parameter in model.parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def load(folder: Path, pattern: Pattern = PATTERN) -> Any:
    return load_model(folder, HEAD, kind="pattern", seed=1, pattern=pattern)


def inputs_of(tokenizer: Any, texts: list[str] = TEXTS) -> dict[str, Tensor]:
    rows = Cloze(tokenizer, str(PATTERN.text), 32)([(text,) for text in texts])
    longest = max(len(row["input_ids"]) for row in rows)
    fill = {"input_ids": tokenizer.pad_token_id}
    return {
        name: torch.tensor([row[name] + [fill.get(name, 0)] * (longest - len(row[name])) for row in rows])
        for name in rows[0]
    }


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("masked") / "bert", "bert")


@pytest.mark.parametrize("family", sorted(ACTIVATIONS))
def test_logits_are_those_of_the_masked_language_model(family: str, tmp_path: Path) -> None:
    loaded = load(save(tmp_path, family))
    inputs = inputs_of(loaded.tokenizer)
    plain = AutoModelForMaskedLM.from_pretrained(tmp_path).eval()
    pieces = word_ids(loaded.tokenizer, PATTERN)
    assert len(pieces["yes"]) == 2
    with torch.inference_mode():
        found = loaded.model(**inputs).logits
        said = plain(**inputs).logits[inputs["input_ids"] == loaded.tokenizer.mask_token_id]  # [N, V]
    expected = torch.stack([said[:, pieces[label]].mean(1) for label in HEAD.labels], dim=1)
    assert torch.allclose(found, expected, atol=1e-5)
    assert float(expected.std()) > 0.01, "the comparison says nothing of logits that are all alike"


def test_another_activation_and_no_biases_are_followed(tmp_path: Path) -> None:
    changes = {"classifier_activation": "silu", "decoder_bias": False, "classifier_bias": False, "norm_bias": False}
    loaded = load(save(tmp_path, "modernbert", **changes))
    plain = AutoModelForMaskedLM.from_pretrained(tmp_path).eval()
    inputs = inputs_of(loaded.tokenizer)
    pieces = word_ids(loaded.tokenizer, PATTERN)
    with torch.inference_mode():
        said = plain(**inputs).logits[inputs["input_ids"] == loaded.tokenizer.mask_token_id]
        assert torch.allclose(loaded.model(**inputs).logits[:, 0], said[:, pieces["no"]].mean(1), atol=1e-5)


@pytest.mark.parametrize("kind", ["pooled", "pattern"])
@pytest.mark.parametrize(("family", "window"), [("bert", 32), ("bert", 200), ("mpnet", 32), ("deberta-v2", 32)])
def test_padding_changes_nothing(kind: Any, family: str, window: int, tmp_path: Path) -> None:
    loaded = load_model(save(tmp_path, family), HEAD, kind=kind, seed=1, window=window, pattern=PATTERN)
    inputs = inputs_of(loaded.tokenizer)
    with torch.inference_mode():
        padded = loaded.model(**inputs).logits[0]
        length = int(inputs["attention_mask"][0].sum())
        alone = loaded.model(**{name: value[:1, :length] for name, value in inputs.items()}).logits[0]
    assert length < inputs["input_ids"].shape[1]
    assert torch.allclose(padded, alone, atol=1e-6)


def test_it_is_saved_and_loaded_by_the_auto_class(bert: Path, tmp_path: Path) -> None:
    loaded = load(bert)
    inputs = inputs_of(loaded.tokenizer)
    fold(loaded.model, 0.5, 0.25)
    loaded.model.save_pretrained(tmp_path)
    register()
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    with torch.inference_mode():
        assert torch.allclose(again(**inputs).logits, loaded.model(**inputs).logits, atol=1e-6)
    assert again.config.id2label == {0: "no", 1: "yes"}
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert config["pattern"] == "{text} It was {mask}."
    assert str(bert) not in json.dumps(config)


def test_its_parts_are_found_by_those_who_train_it(bert: Path) -> None:
    model = load(bert).model
    assert title_of(model) == "pattern"
    assert final_linear(model) is model.classifier
    assert heads(model) == ["transform", "classifier"]
    assert body_of(model) is model.body


def test_the_last_mask_is_read_wherever_the_row_is_padded(bert: Path) -> None:
    loaded = load(bert)
    [row] = Cloze(loaded.tokenizer, "{text} It was {mask}.", 32)([("good",)])
    ids = torch.tensor([row["input_ids"]])
    mask, pad = loaded.tokenizer.mask_token_id, loaded.tokenizer.pad_token_id
    with_another = torch.cat([ids[:, :1], torch.tensor([[mask]]), ids[:, 1:]], dim=1)
    with torch.inference_mode():
        plain = AutoModelForMaskedLM.from_pretrained(bert).eval()(input_ids=with_another).logits[0]
        place = int((with_another[0] == mask).nonzero()[-1])
        no = word_ids(loaded.tokenizer, PATTERN)["no"]
        found = loaded.model(input_ids=with_another).logits[0, 0]
        padded = torch.nn.functional.pad(with_another, (0, 3), value=pad)
        again = loaded.model(input_ids=padded, attention_mask=(padded != pad).long()).logits[0, 0]
    assert float(found) == pytest.approx(float(plain[place, no].mean()), abs=1e-5)
    assert float(again) == pytest.approx(float(found), abs=1e-5)


def test_a_row_without_a_mask_has_no_answer(bert: Path) -> None:
    loaded = load(bert)
    inputs = inputs_of(loaded.tokenizer, ["good", "good"])
    inputs["input_ids"][1][inputs["input_ids"][1] == loaded.tokenizer.mask_token_id] = 7
    with torch.inference_mode():
        logits = loaded.model(**inputs).logits
    assert logits.isfinite().all(1).tolist() == [True, False]


def test_the_loss_is_the_cross_entropy(bert: Path) -> None:
    loaded = load(bert)
    labels = torch.tensor([0, 1, 0, 1])
    found = loaded.model(**inputs_of(loaded.tokenizer), labels=labels)
    expected = -found.logits.log_softmax(-1)[torch.arange(4), labels].mean()
    assert torch.allclose(found.loss, expected)


def test_words_have_the_pieces_that_they_have_behind_what_stands_there() -> None:
    tokenizer = tiny_tokenizer(TEXTS * 9, "roberta")
    words = {"yes": "good", "no": "bad"}

    def pieces(text: str) -> list[str]:
        return tokenizer.convert_ids_to_tokens(word_ids(tokenizer, Pattern(text=text, words=words))["yes"])

    assert pieces("{text} It was {mask}.") == ["Ġgood"]
    assert "".join(pieces("{text} ({mask})")) == "good"


def test_a_model_without_a_masked_head_is_refused(tmp_path: Path) -> None:
    body = save_tiny(tmp_path / "body", TEXTS)
    with pytest.raises(InputError, match=r"(?s)K522 .*body: its files hold no head .*distilroberta-base"):
        load(body)


def test_an_architecture_without_one_is_refused(tmp_path: Path) -> None:
    folder = save(tmp_path, "deberta-v2", legacy=False)
    with pytest.raises(InputError, match=r"K522 .*a model of kind deberta-v2"):
        load(folder)


def test_missing_weights_of_the_body_are_no_missing_head(bert: Path, tmp_path: Path) -> None:
    model = AutoModelForMaskedLM.from_pretrained(bert)
    weights = {name: value for name, value in model.state_dict().items() if "layer.1.attention" not in name}
    model.save_pretrained(tmp_path, state_dict=weights)
    load_tokenizer(bert)[0].save_pretrained(tmp_path)
    with pytest.raises(InputError, match="K304"):
        load(tmp_path)


def test_a_tokenizer_without_a_mask_is_refused(tmp_path: Path) -> None:
    folder = save(tmp_path, "bert")
    for name in ("tokenizer_config.json", "tokenizer.json"):
        path = folder / name
        path.write_text(path.read_text(encoding="utf-8").replace("[MASK]", "[ELSE]"), encoding="utf-8")
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    settings |= {"mask_token": None, "tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(InputError, match=r"K523 .*no mask token"):
        load(folder)


@pytest.mark.parametrize("words", [{"yes": "good", "no": "Good "}, {"yes": "good", "no": "good good"}])
def test_two_labels_with_the_same_row_are_named(bert: Path, words: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r'K524 recipe: pattern.words.no: the words of "yes" and "no"'):
        load(bert, Pattern(text=PATTERN.text, words=words))


def test_a_word_that_the_tokenizer_has_no_piece_for_is_named(bert: Path) -> None:
    with pytest.raises(InputError, match=r'K524 recipe: pattern.words.no: the tokenizer has no piece for "夜"'):
        load(bert, Pattern(text=PATTERN.text, words={"yes": "good", "no": "夜"}))
