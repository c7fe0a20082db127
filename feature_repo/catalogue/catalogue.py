"""The Feast catalogue of one home, built from its shop's declaration."""

from collections.abc import Sequence
from dataclasses import dataclass

from feast import Entity, FeatureService, FeatureView

from feature_repo.catalogue.entities import BY_NAME
from feature_repo.catalogue.views import feature_view
from feature_repo.home import Home
from feature_repo.shop import Shop
from feature_repo.views import PURCHASE_SERVICE, RANKING_SERVICE, features_of, views_of

_DESCRIPTIONS = {
    RANKING_SERVICE: "The features that the first ranker reads, of every entity.",
    PURCHASE_SERVICE: "The features that a ranker of next purchases reads.",
}


@dataclass(frozen=True)
class Catalogue:
    """The Feast objects of a home.

    Attributes:
        entities: item, user, session, query, market and arm.
        views: the feature views that the shop has.
        ranking_v1: the feature service of rankers of slates.
        next_purchase_v1: the feature service of rankers of next purchases.
    """

    entities: tuple[Entity, ...]
    views: tuple[FeatureView, ...]
    ranking_v1: FeatureService
    next_purchase_v1: FeatureService

    @classmethod
    def of(cls, home: Home) -> "Catalogue":
        """Build the catalogue; reads the home's shop.toml and nothing else.

        Raises:
            ShopError: shop.toml cannot be read or declares something impossible.
        """
        shop = Shop.load(home.shop_toml)
        views = tuple(feature_view(home, shop, spec) for spec in views_of(shop))
        services = [_service(name, shop, views) for name in (RANKING_SERVICE, PURCHASE_SERVICE)]
        return cls(tuple(BY_NAME.values()), views, *services)

    def view(self, name: str) -> FeatureView:
        """Return the feature view with a name.

        Raises:
            KeyError: the shop has none.
        """
        return {str(view.name): view for view in self.views}[name]

    def objects(self) -> dict[str, object]:
        """Return every object by its name, for `feast apply`."""
        objects = (*self.entities, *self.views, self.ranking_v1, self.next_purchase_v1)
        return {str(one.name): one for one in objects}


def _service(name: str, shop: Shop, views: Sequence[FeatureView]) -> FeatureService:
    read = features_of(name, shop)
    return FeatureService(
        name=name,
        description=_DESCRIPTIONS[name],
        features=[_with(view, read[view.name]) for view in views if view.name in read],
    )


def _with(view: FeatureView, names: list[str]) -> FeatureView:
    return view if len(names) == len(view.features) else view[names]
