"""The feature catalogue of this checkout's own home, as `feast` reads it.

`feast` reads this file and no other (see `.feastignore`), both from the repository's root
(`feast -c feature_repo apply`) and from here.  It and the registry in `feature_store.yaml` belong
to the default home whatever `AISLE_HOME` says; another home has its own pair in `HOME/feast/`.
"""

from feature_repo.catalogue import Catalogue
from feature_repo.home import DEFAULT_ROOT, Home

_catalogue = Catalogue.of(Home(DEFAULT_ROOT))

item = _catalogue.item
user = _catalogue.user
query = _catalogue.query
market = _catalogue.market

item_attributes = _catalogue.item_attributes
user_attributes = _catalogue.user_attributes
user_first_seen = _catalogue.user_first_seen
item_engagement = _catalogue.item_engagement
user_engagement = _catalogue.user_engagement
query_engagement = _catalogue.query_engagement
user_recent = _catalogue.user_recent
query_clicked_items = _catalogue.query_clicked_items
item_percentiles = _catalogue.item_percentiles
market_baseline = _catalogue.market_baseline

ranking_v1 = _catalogue.ranking_v1
