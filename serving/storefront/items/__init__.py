"""Items as a page shows them: texts in the words of a market, amounts, pictures."""

from serving.storefront.items.item import Item, read_items
from serving.storefront.items.texts import shop_text

__all__ = ["Item", "read_items", "shop_text"]
