"""The markets a simulated shop can sell in."""

from dataclasses import dataclass

from training.studies.simulation.vocabulary import ENGLISH, FRENCH, GERMAN, Language


@dataclass(frozen=True)
class Market:
    """One country, with its language, currency, prices and time.

    Attributes:
        size: weight of the market's users and items relative to the other markets of a shop.
        language: of titles and queries.
        currency: ISO 4217.
        price_level: factor on prices.
        utc_offset_minutes: local time minus UTC; None if the log does not include it.
        summer_day: day of the year in the middle of summer.
    """

    size: float
    language: Language
    currency: str
    price_level: float
    utc_offset_minutes: int | None
    summer_day: int


MARKETS = {
    "default": Market(1.0, ENGLISH, "EUR", 1.0, None, 200),
    "gb": Market(1.0, ENGLISH, "GBP", 0.9, 0, 200),
    "de": Market(0.6, GERMAN, "EUR", 1.0, 60, 200),
    "fr": Market(0.35, FRENCH, "EUR", 1.1, 60, 200),
    "us": Market(0.8, ENGLISH, "USD", 1.2, -300, 200),
    "au": Market(0.15, ENGLISH, "AUD", 1.7, 600, 17),
}
