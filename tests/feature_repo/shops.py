"""Declarations of shops that features are tested with."""

from feature_repo.shop import SIMULATED_SHOP

SIMULATED = SIMULATED_SHOP.read_text(encoding="utf-8")
RANKLENS = SIMULATED_SHOP.with_name("ranklens.toml").read_text(encoding="utf-8")
BARE = 'name = "bare"\n'
ODD = """
name = "odd"
[[item]]
name = "na\\"me'); drop table stg_items --"
type = "text"
role = "title"
[[item]]
name = "🎉"
type = "category"
[[item]]
name = "a/b~c.d[0]$*"
type = "number"
[[item]]
name = "size_y"
type = "list"
[[item]]
name = "rn"
type = "bool"
[[item]]
name = "order"
type = "time"
[[item]]
name = "at"
type = "category"
[[item]]
name = "seen_at"
type = "text"
"""
PEOPLE = """
name = "people"
[[user]]
name = "device"
type = "category"
values = ["phone", "Größe 7", "gr e 7"]
[[user]]
name = "tags"
type = "list"
[[user]]
name = "is member"
type = "bool"
[[user]]
name = "spent"
type = "number"
[[user]]
name = "joined"
type = "time"
[[user]]
name = "bio"
type = "text"
"""
ALL = {"simulated": SIMULATED, "ranklens": RANKLENS, "bare": BARE, "odd": ODD, "people": PEOPLE}
