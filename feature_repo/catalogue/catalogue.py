"""The Feast catalogue of one home, built from its shop's declaration."""

from collections.abc import Sequence
from dataclasses import dataclass

from feast import Entity, FeatureService, FeatureView

from feature_repo.catalogue.entities import BY_NAME
from feature_repo.catalogue.views import feature_view
from feature_repo.home import Home
from feature_repo.shop import Shop
from feature_repo.views import RANKING_SERVICE, views_of


@dataclass(frozen=True)
class Catalogue:
    """The Feast objects of a home.

    Attributes:
        entities: item, user, session, query and market.
        views: the feature views that the shop has.
        ranking_v1: the feature service of the first ranker.
    """

    entities: tuple[Entity, ...]
    views: tuple[FeatureView, ...]
    ranking_v1: FeatureService

    @classmethod
    def of(cls, home: Home) -> "Catalogue":
        """Build the catalogue; reads the home's shop.toml and nothing else.

        Raises:
            ShopError: shop.toml cannot be read or declares something impossible.
        """
        shop = Shop.load(home.shop_toml)
        views = tuple(feature_view(home, shop, spec) for spec in views_of(shop))
        return cls(tuple(BY_NAME.values()), views, _ranking_v1(shop, views))

    def view(self, name: str) -> FeatureView:
        """Return the feature view with a name.

        Raises:
            KeyError: the shop has none.
        """
        return {str(view.name): view for view in self.views}[name]

    def objects(self) -> dict[str, object]:
        """Return every object by its name, for `feast apply`."""
        objects = (*self.entities, *self.views, self.ranking_v1)
        return {str(one.name): one for one in objects}


def _ranking_v1(shop: Shop, views: Sequence[FeatureView]) -> FeatureService:
    """The features of the first ranker: every feature except texts other than the title."""
    read = {spec.name: spec.ranking_features(shop) for spec in views_of(shop)}
    return FeatureService(
        name=RANKING_SERVICE,
        description="The features that the first ranker reads, of every entity.",
        features=[_with(view, read[str(view.name)]) for view in views],
    )


def _with(view: FeatureView, names: list[str]) -> FeatureView:
    return view if len(names) == len(view.features) else view[names]
