"""Events that a mapping makes of the lines of tables."""

from feature_repo.events.ingest import TableMapping
from feature_repo.events.ingest.transaction_files import TransactionFiles


def mapping_of(folder, text):
    path = folder / "mapping.toml"
    path.write_text(text)
    return TableMapping.load(path)


def lines(mapping, *paths):
    return list(TransactionFiles(paths, mapping))


def events_of(records, kind):
    return [line.raw for line in records if line.raw and line.raw["kind"] == kind]
