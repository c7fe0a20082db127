"""The whole catalogue of one home, built from its shop's declaration."""

from collections.abc import Sequence
from dataclasses import dataclass

from feast import Entity, FeatureService, FeatureView

from feature_repo.catalogue.attributes import item_attributes, user_attributes
from feature_repo.catalogue.engagement import engagement
from feature_repo.catalogue.entities import item, market, query, user
from feature_repo.catalogue.first_seen import user_first_seen
from feature_repo.catalogue.history import query_clicked_items, user_recent
from feature_repo.catalogue.market_baseline import market_baseline
from feature_repo.catalogue.percentiles import item_percentiles
from feature_repo.home import Home
from feature_repo.shop import Shop


@dataclass(frozen=True)
class Catalogue:
    """Every Feast object of a home, by name; None for one that its shop has no fields for."""

    item: Entity
    user: Entity
    query: Entity
    market: Entity
    item_attributes: FeatureView
    user_attributes: FeatureView | None
    user_first_seen: FeatureView
    item_engagement: FeatureView
    user_engagement: FeatureView
    query_engagement: FeatureView
    user_recent: FeatureView
    query_clicked_items: FeatureView
    item_percentiles: FeatureView
    market_baseline: FeatureView
    ranking_v1: FeatureService

    @classmethod
    def of(cls, home: Home) -> "Catalogue":
        """Build the catalogue; reads the home's shop.toml and nothing else.

        Raises:
            ShopError: shop.toml cannot be read or says something impossible.
        """
        shop = Shop.load(home.shop_toml)
        attributes, recent = item_attributes(home, shop), user_recent(home, shop)
        counted = {view.name: view for view in engagement(home)}
        clicked, standing = query_clicked_items(home, shop), item_percentiles(home, shop)
        usual, of_user = market_baseline(home), user_attributes(home, shop)
        first_seen = user_first_seen(home)
        return cls(
            item=item,
            user=user,
            query=query,
            market=market,
            item_attributes=attributes,
            user_attributes=of_user,
            user_first_seen=first_seen,
            user_recent=recent,
            query_clicked_items=clicked,
            item_percentiles=standing,
            market_baseline=usual,
            ranking_v1=_ranking_v1(
                shop,
                attributes,
                [*counted.values(), of_user, first_seen, recent, clicked, standing, usual],
            ),
            **counted,
        )

    @property
    def views(self) -> tuple[FeatureView, ...]:
        """The feature views: of item, user, query and market."""
        return tuple(v for v in vars(self).values() if isinstance(v, FeatureView))

    def objects(self) -> dict[str, object]:
        """Name → object, for `feast apply`."""
        return {name: thing for name, thing in vars(self).items() if thing is not None}


def _ranking_v1(
    shop: Shop, attributes: FeatureView, others: Sequence[FeatureView | None]
) -> FeatureService:
    """What the first ranker reads: everything but long texts; of texts, the title."""
    long_texts = {field.column for field in shop.items_of("text") if field.role != "title"}
    read = [field.name for field in attributes.features if field.name not in long_texts]
    return FeatureService(
        name="ranking_v1",
        description="What the first ranker reads about item, user and query.",
        features=[attributes[read], *(view for view in others if view is not None)],
    )
