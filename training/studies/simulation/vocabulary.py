"""The words of the simulated shop, in three languages: categories, nouns, brands, colours, styles.

Nouns, colours and styles have the same order in every language.  The first word of a tuple is the
main word of titles and queries, the others are its synonyms.
"""

from dataclasses import dataclass

Words = tuple[tuple[str, ...], ...]


def _words(text: str) -> tuple[str, ...]:
    """Split a text at spaces."""
    return tuple(text.split())


CATEGORIES = _words(
    """
    shirts trousers jackets knitwear shoes
    bags hats homeware kitchen outdoor
    """
)
NOUNS_PER_CATEGORY = 3
BRANDS = _words(
    """
    Ardenmoor Birchley Corvane Dunwick Elmsworth Fenmark
    Galloran Hartsea Ingleby Jorvend Kestrow Lindholt
    """
)
COLOURS = ("black", "white", "red", "blue", "green", "sand")
"""Values of the item field `color`, in every market."""


@dataclass(frozen=True)
class Language:
    """The words of one language.

    Attributes:
        nouns: three per category, in the order of `CATEGORIES`.
        colours: in the order of `COLOURS`.
        styles: six adjectives.
        description: a sentence template with {style}, {colour}, {noun} and {brand}.
    """

    nouns: Words
    colours: tuple[str, ...]
    styles: tuple[str, ...]
    description: str


def _nouns(text: str) -> Words:
    """Split a table of nouns at spaces, and each noun's synonyms at slashes."""
    return tuple(tuple(noun.split("/")) for noun in _words(text))


ENGLISH = Language(
    nouns=_nouns(
        """
        shirt/button-down blouse polo/polo-shirt
        jeans/denims chinos/khakis shorts/bermudas
        jacket/coat parka/anorak blazer
        jumper/sweater cardigan vest/slipover
        sneaker/trainer boot loafer/moccasin
        backpack/rucksack tote/shopper satchel
        cap beanie/bobble fedora/trilby
        lamp/light vase cushion/pillow
        teapot kettle/boiler mug/cup
        tent flask/bottle hammock/swing
        """
    ),
    colours=COLOURS,
    styles=("classic", "slim", "vintage", "light", "sturdy", "soft"),
    description="A {style} {noun} in {colour}, made by {brand}.",
)

GERMAN = Language(
    nouns=_nouns(
        """
        hemd/oberhemd bluse polo/polohemd
        jeans/denim chino/stoffhose shorts/bermuda
        jacke/mantel parka/anorak blazer/sakko
        pullover/pulli strickjacke/cardigan weste/pullunder
        sneaker/turnschuh stiefel/boots slipper/mokassin
        rucksack/backpack shopper/tragetasche umhängetasche
        kappe/mütze beanie/strickmütze filzhut/fedora
        lampe/leuchte vase kissen/polster
        teekanne wasserkocher/kessel becher/tasse
        zelt trinkflasche/flasche hängematte
        """
    ),
    colours=("schwarz", "weiß", "rot", "blau", "grün", "sand"),
    styles=("klassisch", "schmal", "retro", "leicht", "robust", "weich"),
    description="{noun}, {style}, in {colour}, von {brand}.",
)

FRENCH = Language(
    nouns=_nouns(
        """
        chemise blouse/chemisier polo
        jean/denim chino/pantalon short/bermuda
        veste/blouson parka/anorak blazer/veston
        pull/chandail cardigan/gilet débardeur
        basket/tennis botte/bottine mocassin
        sac-à-dos cabas/tote cartable/sacoche
        casquette bonnet fedora/chapeau
        lampe/luminaire vase coussin/oreiller
        théière bouilloire mug/tasse
        tente gourde/bouteille hamac
        """
    ),
    colours=("noir", "blanc", "rouge", "bleu", "vert", "sable"),
    styles=("classique", "ajusté", "rétro", "léger", "solide", "doux"),
    description="{noun} {style}, {colour}, par {brand}.",
)
