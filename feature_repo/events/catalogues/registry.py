"""Every format of catalogues and orders, and that of an object."""

from collections.abc import Mapping

from feature_repo.events.catalogues.algolia import ALGOLIA_RECORDS
from feature_repo.events.catalogues.catalogue import Catalogue
from feature_repo.events.catalogues.column_names import Raw
from feature_repo.events.catalogues.google_retail import GOOGLE_RETAIL_PRODUCTS
from feature_repo.events.catalogues.magento import MAGENTO_PRODUCTS
from feature_repo.events.catalogues.merchant import MERCHANT_FEED
from feature_repo.events.catalogues.schema_org import SCHEMA_ORG_PRODUCTS
from feature_repo.events.catalogues.shopify import SHOPIFY_PRODUCTS
from feature_repo.events.catalogues.shopify_orders import SHOPIFY_ORDER_LINES, SHOPIFY_ORDERS
from feature_repo.events.catalogues.woocommerce import WOOCOMMERCE_PRODUCTS

CATALOGUES: Mapping[str, Catalogue] = {
    one.name: one
    for one in (
        ALGOLIA_RECORDS,
        SCHEMA_ORG_PRODUCTS,
        SHOPIFY_ORDERS,
        SHOPIFY_ORDER_LINES,
        SHOPIFY_PRODUCTS,
        WOOCOMMERCE_PRODUCTS,
        MERCHANT_FEED,
        GOOGLE_RETAIL_PRODUCTS,
        MAGENTO_PRODUCTS,
    )
}
"""Name → format, in the order they are tried."""


def catalogue_of(raw: Raw) -> Catalogue | None:
    """Return the format of an object or row; None if it is none of a catalogue."""
    return next((one for one in CATALOGUES.values() if one.recognizes(raw)), None)
