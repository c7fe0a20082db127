"""A query is split into words in its language, corrected, and searched for price limits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.shop import Market
from feature_repo.shop.languages import language_of
from tests.scale import examples
from training.query_understanding import Intent, Spelling, Understanding, stems, words
from training.query_understanding.price_words import read_price_limits
from training.query_understanding.words import LONGEST_WORD, MOST_WORDS

TITLES = ["red sneaker"] * 20 + ["blue sneaker"] * 5 + ["warm jacket"] * 8 + ["racket"] * 8
SPELLING = Spelling.fit(TITLES, {"sneeker": 1, "kicks": 9})
UK = Market("uk", "english")
LEARNED = Understanding({"english": SPELLING})


@settings(max_examples=examples(200), deadline=None)
@given(st.text(max_size=300), st.sampled_from(["de", "fr", "uk", "", "default", "tr", "zh"]))
def test_any_text_has_a_limited_number_of_short_words(text, market):
    folded = words(text)

    assert len(folded) <= MOST_WORDS
    assert all(0 < len(word) <= LONGEST_WORD for word in folded)
    assert len(stems(text, language_of(market))) == len(folded)
    LEARNED.apply(text, Market(market, language_of(market), "EUR"), reads_prices=True)


@pytest.mark.parametrize(
    ("one", "other", "market"),
    [
        ("Crème Brûlée", "creme brulees", "fr"),
        ("ＲＥＤ Ｓｈｏｅｓ", "red shoe", "uk"),
        ("Rote Schuhe", "rot schuh", "de"),
        ("zapatos rojos", "zapato rojo", "es"),
        ("Straße", "STRASSE", "de"),
        ("Ёлка", "елка", "ru"),
    ],
)
def test_forms_of_a_word_have_one_stem(one, other, market):
    assert stems(one, language_of(market)) == stems(other, language_of(market))


def test_scripts_without_spaces_are_searched_by_pairs():
    assert set(words("赤い靴")) & set(words("赤い"))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("sneakre", "sneaker"),
        ("snaeker", "sneaker"),
        ("jackett", "jacket"),
        ("sneaker", None),
        ("zebra", None),
        ("jcket", "jacket"),
        ("xacket", None),
        ("kicks", None),
        ("rad", None),
        ("sneak3r", None),
    ],
)
def test_word_is_corrected_only_with_evidence(typed, expected):
    assert SPELLING.apply(typed) == expected


def test_spelling_and_intents_load_unchanged(tmp_path):
    learned = Understanding(
        {"english": SPELLING}, {"category": Intent.fit([("red", "shoes", 9)], ["Hats"])}
    )

    learned.save(tmp_path)

    loaded = Understanding.load(tmp_path)
    for query in ("red", "hats under 20", "sneakre"):
        interpreted = learned.apply(query, UK, reads_prices=True)
        assert loaded.apply(query, UK, reads_prices=True) == interpreted


def test_query_implies_the_value_that_is_clicked_after_it():
    clicks = [
        ("red", "shoes", 9),
        ("red", "hats", 1),
        ("blue", "shoes", 3),
        ("x", "a", 5),
        ("x", "b", 5),
    ]
    intent = Intent.fit(clicks, ["Winter Hats"])

    assert intent.apply(["red"]) == ("shoes", 0.9)
    assert intent.apply(["blue"]) is None
    assert intent.apply(["x"]) is None
    assert intent.apply(["winter", "hats"]) == ("Winter Hats", 1.0)


@pytest.mark.parametrize(
    ("query", "rest", "low", "high"),
    [
        ("red shoes under 50", "red shoes", None, 50),
        ("red shoes below $49.90", "red shoes", None, 49.9),
        ("shoes between 20 and 40", "shoes", 20, 40),
        ("shoes from 40 to 20 €", "shoes", 20, 40),
        ("over 10 shoes less than 20", "shoes", 10, 20),
        ("schuhe unter 30 €", "schuhe", None, 30),
        ("chaussures moins de 20", "chaussures", None, 20),
        ("zapatos hasta 20", "zapatos hasta 20", None, None),
        ("zapatos hasta 20 €", "zapatos", None, 20),
        ("jacket under 1,000", "jacket", None, 1000),
        ("jacke unter 1.000 €", "jacke", None, 1000),
        ("jacket no more than 50", "jacket", None, 50),
        ("jacket not less than 50", "jacket", 50, None),
        ("jacket <50", "jacket", None, 50),
        ("jacket 50-80 €", "jacket", 50, 80),
        ("靴 5,000円以下", "靴", None, 5000),
        ("nike air max 90", "nike air max 90", None, None),
        ("airpods max 2", "airpods max 2", None, None),
        ("puzzle ab 1000", "puzzle ab 1000", None, None),
        ("tv up to 55 zoll", "tv up to 55 zoll", None, None),
        ("toy from 3 to 6", "toy from 3 to 6", None, None),
        ("under 5 ft", "under 5 ft", None, None),
        ("dumbbells under 20 lbs", "dumbbells under 20 lbs", None, None),
        ("under armour shoes", "under armour shoes", None, None),
        ("50 shades", "50 shades", None, None),
        ("under 50% wool", "under 50% wool", None, None),
        ("wunder 50", "wunder 50", None, None),
    ],
)
def test_limits_of_the_price_are_read_from_words(query, rest, low, high):
    limits = read_price_limits(query)

    assert (limits.text, limits.low, limits.high) == (rest, low, high)


@pytest.mark.parametrize(
    ("written", "currency"),
    [
        ("500.000₫", "VND"),
        ("฿500", "THB"),
        ("₩50,000", "KRW"),
        ("₹1,00,000", "INR"),
        ("500 kr", "SEK"),
        ("500 kr.", "ISK"),
        ("10 000 Ft", "HUF"),
        ("50 лв.", "BGN"),
        ("₺500", "TRY"),
        ("500 ﷼", "SAR"),
        ("500 ﷼", "IRR"),
        ("₱500", "PHP"),
        ("RM50", "MYR"),
        ("R500", "ZAR"),
        ("S$50", "SGD"),
        ("NT$500", "TWD"),
        ("500元", "TWD"),
        ("₦5000", "NGN"),
        ("₨500", "PKR"),
        ("5000 din", "RSD"),
        ("5000 ₸", "KZT"),
        ("CHF 50.-", "CHF"),
        ("₴ 500", "UAH"),
    ],
)
def test_a_limit_is_read_in_the_currency_of_the_market(written, currency):
    limits = read_price_limits(f"shoes under {written}", currency=currency)

    assert (limits.text, currency in limits.currencies) == ("shoes", True)


@pytest.mark.parametrize(
    "query", ["sony under r500", "tv under 4k", "coffee pod 50", "kurtka din 50", "ไม่เกิน 600 มล"]
)
def test_a_sign_of_another_currency_than_the_market_s_is_a_word(query):
    assert read_price_limits(query, currency="USD").text == query


def test_a_shop_without_prices_reads_none():
    interpreted = Understanding().apply("shoes under 50", UK, reads_prices=False)

    assert interpreted.words == ("shoes", "under", "50")
    assert not interpreted.has_price
