"""The feature catalogue of this checkout's own home, as `feast` reads it.

`feast` reads this file and no other (see `.feastignore`), both from the repository's root
(`feast -c feature_repo apply`) and from here.  It and the registry in `feature_store.yaml` belong
to the default home and ignore `AISLE_HOME`; another home has its own pair in `HOME/feast/`.
"""

from feature_repo.catalogue import Catalogue
from feature_repo.home import DEFAULT_ROOT, Home

globals().update(Catalogue.of(Home(DEFAULT_ROOT)).objects())
