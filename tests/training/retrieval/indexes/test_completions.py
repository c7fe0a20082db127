"""Completions by market, with typos, and of items by their ids."""

import pytest

from feature_repo.home import ArtifactError
from training.retrieval.indexes import Completions, Phrase

SHOES = Phrase("Red shoes", "title", 0.5, "HA-0001/GR", ("uk",))
SCHUHE = Phrase("Rote Schuhe", "title", 0.5, "HA-0001/GR", ("de",))
PHRASES = [
    SHOES,
    SCHUHE,
    Phrase("red shoes", "query", 3.0, markets=("us",)),
    Phrase("running", "category", 1.1),
    Phrase("Handtasche", "title", 0.5, "p2", ("de",)),
]
COMPLETIONS = Completions.fit(PHRASES, [SHOES, SCHUHE, PHRASES[4]])


def texts(prefix, market=None):
    return [one.text for one in COMPLETIONS.search(prefix, 5, market)]


@pytest.mark.parametrize(
    ("prefix", "market", "expected"),
    [
        ("r", "de", ["running", "Rote Schuhe"]),
        ("r", "uk", ["red shoes", "running"]),
        ("sch", "uk", []),
        ("shoes", None, ["red shoes"]),
        ("runing", "uk", ["running"]),
        ("hantas", "de", ["Handtasche"]),
        ("red shoees", "uk", ["red shoes"]),
        ("rote shuhe", "de", ["Rote Schuhe"]),
        ("xyzzyx", "de", []),
        ("handtasche", "uk", []),
    ],
)
def test_a_prefix_is_completed_by_what_its_market_shows(prefix, market, expected):
    assert texts(prefix, market) == expected


@pytest.mark.parametrize("typed", ["ha0", "HA-0001", "ha 0001 gr", "HA0001/GR"])
def test_an_item_is_suggested_by_its_id_with_the_title_of_its_market(typed):
    suggested = COMPLETIONS.search(typed, 5, "de")

    assert suggested == [SCHUHE._replace(kind="item")]


def test_a_later_item_is_completed_as_a_fitted_one():
    one = Phrase("Sandalen", "title", 0.5, "HB-7", ("de",))
    live = COMPLETIONS.with_phrases([one], [one])

    assert [p.text for p in live.search("sand", 5, "de")] == ["Sandalen"]
    assert live.search("sand", 5, "uk") == []
    assert [p.text for p in live.search("hb7", 5, "de")] == ["Sandalen"]
    assert [p.text for p in live.search("sandaln", 5, "de")] == ["Sandalen"]


def test_a_title_that_is_gone_is_not_suggested_until_its_item_returns():
    gone = COMPLETIONS.with_phrases([], gone=[SCHUHE.title])
    back = gone.with_phrases([SCHUHE], [SCHUHE])

    assert SCHUHE.text not in [p.text for p in gone.search(SCHUHE.text, 5, "de")]
    assert gone.search("ha0001", 5, "de") == []
    assert SCHUHE.text in [p.text for p in back.search(SCHUHE.text, 5, "de")]
    assert [p.text for p in back.search("ha0001", 5, "de")][:1] == [SCHUHE.text]


def test_a_title_of_another_item_replaces_an_equal_one_that_is_gone():
    other = SCHUHE._replace(item="HB-9")

    live = COMPLETIONS.with_phrases([other], [other], gone=[SCHUHE.title])

    assert [p.item for p in live.search(SCHUHE.text, 5, "de") if p.text == SCHUHE.text] == ["HB-9"]


def test_an_item_is_suggested_by_a_code_of_its_fields():
    coded = Completions.fit([SCHUHE], [SCHUHE], {SCHUHE.item: ["4006381333931"]})
    later = COMPLETIONS.with_phrases([], [SCHUHE], {SCHUHE.item: ["4006381333931"]})

    for completions in (coded, later):
        assert [p.item for p in completions.search("40063813", 5, "de")] == [SCHUHE.item]


def test_completions_load_unchanged_and_a_damaged_file_is_named(tmp_path):
    COMPLETIONS.save(tmp_path)

    assert Completions.load(tmp_path) == COMPLETIONS
    (tmp_path / "completions.json").write_text("[]")
    with pytest.raises(ArtifactError, match="expected phrases"):
        Completions.load(tmp_path)
