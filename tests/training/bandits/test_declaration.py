"""A file of bandits is read as declared, and refused in words as a whole."""

import pytest

from feature_repo.home import HOUR, SettingError
from feature_repo.shop import Shop
from training.bandits import Bandits, Feature, Text

SHOP = Shop("shop", ())
DECLARED = """
[[bandit]]
name = "banner"
arms = ["sale", "new", "brand"]
default = "brand"
model = "linear"
discount = 0.9
floor = 0.05
prior = [1, 9]
window_hours = 2
surface = ["home"]
market = ["uk"]

[[bandit.context]]
feature = "user_engagement__clicks_7d"
cuts = [1, 10]

[[bandit.context]]
text = "device"
values = ["mobile", "desktop"]
"""


def load(tmp_path, text):
    path = tmp_path / "bandits.toml"
    path.write_text(text)
    return Bandits.load(path, SHOP)


def test_a_file_is_read_as_declared(tmp_path):
    declared = load(tmp_path, DECLARED)

    (banner,) = declared.bandits
    assert declared.get("banner") is banner
    assert declared.of_surface("home") == [banner]
    assert declared.of_surface("search") == declared.of_surface(None) == []
    assert (banner.default, banner.model, banner.discount) == ("brand", "linear", 0.9)
    assert (banner.floor, banner.prior, banner.window) == (0.05, (1.0, 9.0), 2 * HOUR)
    assert banner.context.dimensions == (
        Feature("user_engagement__clicks_7d", (1.0, 10.0)),
        Text("device", ("mobile", "desktop")),
    )
    assert banner.is_on(0, "uk")
    assert not banner.is_on(0, "de")


def test_without_a_file_there_are_no_bandits(tmp_path):
    assert Bandits.load(tmp_path / "bandits.toml", SHOP).bandits == ()


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ('name = "banner"', 'name = "Big banner"', "bandit 1.name: expected a name"),
        ('"sale", "new", "brand"', '"brand"', "arms: expected 2 to 16 different names"),
        ('"sale", "new"', '"new", "new"', "arms: expected 2 to 16 different names"),
        ('default = "brand"', 'default = "blue"', "default: expected one of sale, new, brand"),
        ('"linear"', '"neural"', "model: expected one of beta, linear"),
        ("discount = 0.9", "discount = 0", "discount: expected a number from 0.01 to 1"),
        ("floor = 0.05", "floor = 0.4", "floor: expected a number from 0 to 0.333333"),
        ("prior = [1, 9]", "prior = [0, 9]", "prior: expected a number from 0.01"),
        ("prior = [1, 9]", "prior = 1", "prior: expected rewards and missing rewards"),
        ("window_hours = 2", "window = 2", "expected only arms"),
        ("window_hours = 2", "enabled = 1", "enabled: expected true or false"),
        ("user_engagement__clicks_7d", "user_engagement__hats", "feature: expected a number of"),
        ("cuts = [1, 10]", "cuts = [10, 1]", "cuts: expected ascending numbers"),
        ("cuts = [1, 10]", "cuts = []", "cuts: expected ascending numbers"),
        ('["mobile", "desktop"]', '["other"]', "values: expected different texts"),
        ('["mobile", "desktop"]', '["a/b"]', "values: expected different texts"),
        ("cuts = [1, 10]", f"cuts = {[*range(40)]}", "at most 64 combinations"),
    ],
)
def test_a_wrong_file_is_refused_in_words(tmp_path, old, new, error):
    assert old in DECLARED

    with pytest.raises(SettingError, match=error):
        load(tmp_path, DECLARED.replace(old, new, 1))


def test_two_bandits_of_one_name_are_refused(tmp_path):
    with pytest.raises(SettingError, match="unique names"):
        load(tmp_path, DECLARED + DECLARED)


def test_a_linear_bandit_reads_a_bounded_number_of_arms(tmp_path):
    arms = ", ".join(f'"arm{n}"' for n in range(16))
    text = DECLARED.replace('"sale", "new", "brand"', arms).replace("brand", "arm1")
    text = text.replace("floor = 0.05", "").replace("[1, 10]", "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]")

    with pytest.raises(SettingError, match="at most 512 arms in all of them"):
        load(tmp_path, text)
