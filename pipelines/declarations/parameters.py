"""The parameters of all steps, each declared once."""

from pipelines.declarations.parameter import Parameter

MODEL = "default"
"""Name of the ranker that answers `/rank/default`."""

MOUNTED_HOME = "/var/lib/aisle"
"""Where pods see the home; see `k8s/base`."""

HOME = Parameter("home", "folder of the home", default=MOUNTED_HOME)
"""The folder of the home; a step that takes it mounts the home's claim in a cluster."""
MODEL_NAME = Parameter("model", "name of the published ranker", default=MODEL, metavar="NAME")
GAINS = Parameter(
    "gains",
    "gain of each outcome, such as click=1,purchase=6 (click=1,add_to_cart=3,purchase=6)",
)
HORIZON_DAYS = Parameter(
    "horizon_days",
    "count outcomes within so many days, and exclude younger rankings (0: no limit)",
    type=float,
    default=0.0,
    metavar="DAYS",
)
SEARCH = Parameter("search", "try N configurations", type=int, default=0, metavar="N")
SEARCH_SECONDS = Parameter(
    "search_seconds",
    "try no more after this time (0: no limit)",
    type=float,
    default=0.0,
    metavar="S",
)
METRICS = Parameter(
    "metrics",
    "also measure this, such as ndcg@5, map, revenue@20; may be repeated",
    type=tuple,
    default=(),
    option="metric",
    metavar="NAME",
)
MARGIN = Parameter(
    "margin",
    "publish the ranker if it is not worse by this much ndcg@10 (0: it must be better)",
    type=float,
    default=0.0,
    metavar="NDCG",
)
FORCE = Parameter(
    "force", "publish the ranker although the gate rejects it", type=bool, default=False
)

TRIALS = Parameter(
    "trials",
    "configurations that a search tries, those of earlier searches of the dataset among them",
    type=int,
    default=20,
    metavar="N",
)
EVENTS = Parameter(
    "events",
    "file or folder of events to add; may be repeated",
    type=tuple,
    default=(),
    metavar="PATH",
)
LATE = Parameter(
    "late",
    "events older than the last seal: refuse the files, backfill (they keep their times) or late "
    "(received now)",
    default="refuse",
    metavar="MODE",
)
FULL = Parameter("full", "load from the log's first day", type=bool, default=False)
SINCE = Parameter("since", "start of the range, a time or a day (the first)", metavar="TIME")
UNTIL = Parameter("until", "end, not in the range (the last)", metavar="TIME")
MOST_QUARANTINED = Parameter(
    "most_quarantined",
    "share of a day's lines that may be quarantined; with more the backfill adds nothing",
    type=float,
    default=0.01,
    metavar="SHARE",
)
DATE = Parameter("date", "UTC day (the last complete one)", metavar="YYYY-MM-DD")
DAYS = Parameter("days", "days that have events", type=tuple, default=())
DAY_FILE = Parameter("day", "one of these days", item_of=DAYS.name)
VALID_DAYS = Parameter("valid_days", "the days whose events are valid", type=tuple, default=())

CONTENDERS = Parameter("contenders", "variants to fit", type=tuple, default=())
CONTENDER = Parameter("contender", "one of these variants", item_of=CONTENDERS.name)
FITTED = Parameter("fitted", "the variants that are fitted", type=tuple, default=())

FEATURES = Parameter("features", "hash of the features and of the code that a run learns from")
IN_USE = Parameter(
    "in_use",
    "version of the ranker that a new one is compared with; empty for the one in use",
    metavar="VERSION",
)
DECISION = Parameter("decision", "what a step decided; later steps depend on it")
PIPELINE_NAME = Parameter("pipeline", "name of the pipeline that ran")
STATE = Parameter("state", "how a run ended, such as SUCCEEDED")
ERROR = Parameter("error", "why a run failed; empty otherwise")
"""Which pipeline ran, how that ended, and why it failed: for the step at its exit."""
