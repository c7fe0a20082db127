"""The pages of experiments: the declared ones, and the report of one."""

from feature_repo.home import HOUR
from pipelines.console.content import (
    Column,
    Content,
    Heading,
    Loading,
    Row,
    Table,
    Text,
    Visit,
    address,
)
from pipelines.inspection import file_states, log_state
from pipelines.pages import experiment_sentences, experiment_tables
from training.experiment_analysis import experiment_report
from training.experiments import EXPERIMENTS_FILE, Experiments
from training.plots import Table as TextTable


def experiments(visit: Visit) -> Content:
    """List the declared experiments."""
    declared = Experiments.load(visit.home.root / EXPERIMENTS_FILE)
    columns = [
        Column("experiment", "experiment", _address),
        Column("kind", "kind"),
        Column("layer", "layer"),
        Column("unit", "unit"),
        Column("variants", "variants, the control first"),
    ]
    rows: list[Row] = [
        {
            "experiment": one.name,
            "kind": one.kind,
            "layer": one.layer,
            "unit": one.unit,
            "variants": ", ".join(variant.name for variant in one.variants),
        }
        for one in declared.experiments
    ]
    empty = f"No experiment is declared in {EXPERIMENTS_FILE} (docs/experiments.md)."
    table = Table("experiments", "Declared experiments", columns, rows, empty)
    return Content(
        "Experiments", [table, Text(f"{declared.holdout:.1%} of shoppers are held out.")]
    )


def experiment(visit: Visit) -> Content:
    """Show the report of an experiment."""
    declared = Experiments.load(visit.home.root / EXPERIMENTS_FILE).get(visit.get("name"))
    files = [visit.home.root / EXPERIMENTS_FILE]
    state = log_state(visit.home), file_states(files), visit.now // HOUR
    report = visit.soon(
        ("experiment", declared.name),
        state,
        lambda: experiment_report(visit.home, declared, visit.now),
    )
    if report is None:
        return Content(f"Experiment {declared.name}", [Loading("The figures of the experiment")])
    return Content(
        f"Experiment {declared.name}",
        [
            *map(Text, experiment_sentences(report)),
            *(_texts(f"table-{n}", one) for n, one in enumerate(experiment_tables(report), 1)),
            Heading("How to read it"),
            *map(Text, report["notes"]),
        ],
    )


def _address(row: Row) -> str:
    return address("experiment", {"name": row["experiment"]})


def _texts(key: str, table: TextTable) -> Table:
    """Return a table of texts whose columns have the keys c1, c2 and so on."""
    keys = [f"c{n}" for n in range(1, len(table.head) + 1)]
    columns = [Column(one, heading) for one, heading in zip(keys, table.head, strict=True)]
    rows = [dict(zip(keys, row, strict=True)) for row in table.rows]
    return Table(key, table.caption, columns, rows)
