"""Synonyms find each other, in one direction or both, in their markets; redirects name a page."""

import pytest

from feature_repo.home import SettingError
from feature_repo.shop import Market
from training.query_understanding import Synonyms, Understanding

UK, DE = Market("uk", "english"), Market("de", "german")
TEXT = """
[[synonym]]
words = ["sneakers", "trainers"]
market = "uk"

[[synonym]]
words = ["laptop"]
to = ["notebook", "portable computer"]

[[redirect]]
query = ["returns", "Send back!"]
url = "/help/returns"
market = ["uk"]
"""


@pytest.fixture
def synonyms(tmp_path):
    (tmp_path / "synonyms.toml").write_text(TEXT)
    return Synonyms.load(tmp_path / "synonyms.toml")


def ways(synonyms, query, market):
    concept = (
        Understanding().apply(query, market, reads_prices=False, synonyms=synonyms).concepts[0]
    )
    return [alternative.words for alternative in concept.alternatives[1:]]


def test_two_way_synonyms_find_each_other_in_their_markets(synonyms):
    assert ways(synonyms, "trainers", UK) == [("sneakers",)]
    assert ways(synonyms, "Sneakers", UK) == [("trainers",)]
    assert ways(synonyms, "sneakers", DE) == []


def test_one_way_synonyms_find_the_others_alone(synonyms):
    assert ways(synonyms, "laptop", DE) == [("notebook",), ("portable", "computer")]
    assert ways(synonyms, "notebook", DE) == []


def test_a_redirect_holds_for_the_whole_query_in_its_market(synonyms):
    def redirect(query, market):
        return Understanding().apply(query, market, reads_prices=False, synonyms=synonyms).redirect

    assert redirect("SEND back", UK) == "/help/returns"
    assert redirect("returns policy", UK) is None
    assert redirect("returns", DE) is None


@pytest.mark.parametrize(
    "text",
    [
        "synonym = 3",
        '[[synonym]]\nwords = ["a"]',
        "[[synonym]]\nwords = [3, 4]",
        '[[synonym]]\nwords = ["a", "b"]\nmarkets = ["uk"]',
        '[[redirect]]\nquery = ["a"]',
        "[[redirects]]",
        "[[",
    ],
)
def test_a_file_with_an_error_is_refused(tmp_path, text):
    (tmp_path / "synonyms.toml").write_text(text)

    with pytest.raises(SettingError, match=r"synonyms\.toml"):
        Synonyms.load(tmp_path / "synonyms.toml")
