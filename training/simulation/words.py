"""The words of the simulated shop: what it sells, who makes it, how it is described."""

CATEGORIES: dict[str, tuple[str, ...]] = {
    "shirts": ("shirt", "blouse", "polo"),
    "trousers": ("jeans", "chinos", "shorts"),
    "jackets": ("jacket", "parka", "blazer"),
    "knitwear": ("jumper", "cardigan", "vest"),
    "shoes": ("sneaker", "boot", "loafer"),
    "bags": ("backpack", "tote", "satchel"),
    "hats": ("cap", "beanie", "fedora"),
    "homeware": ("lamp", "vase", "cushion"),
    "kitchen": ("teapot", "kettle", "mug"),
    "outdoor": ("tent", "flask", "hammock"),
}
"""Category → the nouns its items are called by."""

BRANDS = (
    "Ardenmoor", "Birchley", "Corvane", "Dunwick", "Elmsworth", "Fenmark",
    "Galloran", "Hartsea", "Ingleby", "Jorvend", "Kestrow", "Lindholt",
)  # fmt: skip
COLOURS = ("black", "white", "red", "blue", "green", "sand")
STYLES = ("classic", "slim", "vintage", "light", "sturdy", "soft")
