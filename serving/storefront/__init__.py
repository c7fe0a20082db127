"""The storefront: a shop's pages, in which a person sees personalization happen.

They are rendered on the server from the answers of the same request flow as the API.
"""

from serving.storefront.addresses import PREFIX
from serving.storefront.mount import Storefront

__all__ = ["PREFIX", "Storefront"]
