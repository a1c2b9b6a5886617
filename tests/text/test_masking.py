"""What is masked: how much, in which units, and what stands there instead."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from tunesmith.core.words import words_of
from tunesmith.errors import InputError
from tunesmith.models.tiny import FAMILIES, tiny_tokenizer
from tunesmith.recipe.schema import Masking
from tunesmith.text.masking import Masker
from tunesmith.text.stream import Blocks, held_blocks, stream_of

TEXTS = [
    "the film was wonderfully unearthly, so my day felt odd",
    "a book 电池 (really)... good",
    "bikes seem fine",
] * 40
BLOCKS = 60


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def blocks_of(tokenizer: Any, size: int = 64) -> list[Any]:
    found = Blocks(stream_of(TEXTS, tokenizer, words=True), tokenizer, size, "c.txt", ahead=False)
    return list(found[:BLOCKS])


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def tokenizer(request: pytest.FixtureRequest) -> Any:
    return tiny_tokenizer([text.partition(",")[0] for text in TEXTS[:3]], request.param)


@pytest.mark.parametrize("unit", ["token", "word", "span"])
def test_the_share_is_met_and_special_tokens_are_never_masked(tokenizer: Any, unit: str) -> None:
    masker = Masker.of(tokenizer, Masking(share=0.15, unit=unit))  # type: ignore[arg-type]
    ordinary = drawn = 0
    for at, block in enumerate(blocks_of(tokenizer)):
        found = masker(block.ids, block.starts, seeded(at))
        free = [place for place, token in enumerate(block.ids) if token not in tokenizer.all_special_ids]
        assert set(found.places) <= set(free)
        assert found.places == sorted(set(found.places))
        assert found.due == [block.ids[place] for place in found.places]
        assert all(found.ids[p] == block.ids[p] for p in range(len(block.ids)) if p not in found.places)
        assert not {found.ids[place] for place in found.places} & ({*tokenizer.all_special_ids} - {masker.mask})
        ordinary += len(free)
        drawn += len(found.places)
        if unit == "token":
            assert len(found.places) == max(1, round(0.15 * len(free)))
    spread = 4 * math.sqrt(ordinary * 0.15 * 0.85)
    assert abs(drawn - 0.15 * ordinary) <= spread


def test_eight_of_ten_are_hidden_one_is_swapped_and_one_stays(tokenizer: Any) -> None:
    masker = Masker.of(tokenizer, Masking(share=0.5))
    counts = {"hidden": 0, "swapped": 0, "same": 0}
    for at, block in enumerate(blocks_of(tokenizer) * 3):
        found = masker(block.ids, block.starts, seeded(at))
        for place, due in zip(found.places, found.due, strict=True):
            now = found.ids[place]
            counts["hidden" if now == masker.mask else "same" if now == due else "swapped"] += 1
    total = sum(counts.values())
    for name, share in {"hidden": 0.8, "swapped": 0.1, "same": 0.1}.items():
        # What is swapped is now and then swapped for itself: one in as many as the vocabulary is large.
        slack = 0.1 / int(masker.ordinary.sum()) * total
        assert abs(counts[name] - share * total) <= 4 * math.sqrt(total * share * (1 - share)) + slack


def words_in(block: Any, tokenizer: Any) -> list[set[int]]:
    """The places of each word of a block, told from where words begin."""
    words: list[set[int]] = []
    for place, (token, start) in enumerate(zip(block.ids, block.starts, strict=True)):
        if token in tokenizer.all_special_ids:
            words.append(set())
        elif start or not words:
            words.append({place})
        else:
            words[-1].add(place)
    return [word for word in words if word]


@pytest.mark.parametrize("unit", ["word", "span"])
def test_words_are_masked_whole(tokenizer: Any, unit: str) -> None:
    masker = Masker.of(tokenizer, Masking(share=0.3, unit=unit))  # type: ignore[arg-type]
    several = 0
    for at, block in enumerate(blocks_of(tokenizer)):
        places = set(masker(block.ids, block.starts, seeded(at)).places)
        for word in words_in(block, tokenizer):
            assert word <= places or not word & places
            several += len(word) > 1 and word <= places
    assert several > 10, "no word of several tokens was masked"


def test_words_begin_where_the_words_of_the_text_begin() -> None:
    tokenizer = tiny_tokenizer(["the film was odd"], "bert")
    [text] = ["the filmography was 电池, odd"]
    stream = stream_of([text], tokenizer, words=True)
    tokens = tokenizer.convert_ids_to_tokens(stream.ids.tolist())
    begun = [token for token, start in zip(tokens, stream.starts, strict=True) if start]
    assert len(begun) == len(words_of(text)) == 7
    assert all(not token.startswith("##") for token in begun)


def test_spans_are_as_long_as_those_of_spanbert() -> None:
    """In words of one token each, far apart in a long block: P(l) is geometric with p = 0.2, cut at 10, mean 3.8."""
    tokenizer = tiny_tokenizer(["word"], "bert")
    masker = Masker.of(tokenizer, Masking(share=0.01, unit="span"))
    ids = [tokenizer.convert_tokens_to_ids("word")] * 4000
    lengths: list[int] = []
    for seed in range(150):
        places = masker(ids, [True] * len(ids), seeded(seed)).places
        runs = [at for at in range(len(places)) if at == 0 or places[at] != places[at - 1] + 1]
        lengths += [after - before for before, after in zip(runs, [*runs[1:], len(places)], strict=True)]
    assert max(lengths) <= 20, "two spans may touch; three hardly do"
    assert sum(lengths) / len(lengths) == pytest.approx(3.8, abs=0.35)


def test_the_draws_follow_from_the_numbers_of_torch_and_held_out_masks_from_the_seed() -> None:
    tokenizer = tiny_tokenizer(TEXTS[:3], "bert")
    masker = Masker.of(tokenizer, Masking())
    [block, *_] = blocks = blocks_of(tokenizer, 32)
    torch.manual_seed(4)
    first, second = masker(block.ids), masker(block.ids)
    torch.manual_seed(4)
    assert masker(block.ids) == first != second
    fixed = [held_blocks(blocks, tokenizer, masker, seed) for seed in (1, 1, 2)]
    assert fixed[0] == fixed[1] != fixed[2]


def test_a_tokenizer_without_a_mask_is_refused() -> None:
    tokenizer = tiny_tokenizer(["word"], "bert")
    tokenizer.mask_token = None
    with pytest.raises(InputError, match="K327"):
        Masker.of(tokenizer, Masking())
