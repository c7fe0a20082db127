"""Embeddings place together what is wanted together, the same way each time, and carry a date."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.home import DAY, ArtifactError, Clock, DatasetError, parse_instant, to_text
from training.retrieval.indexes import Cooccurrences, DatedArtifacts, Embeddings
from training.retrieval.indexes.dated import published_embeddings
from training.studies.retrieval.session_embeddings import fit_embeddings, publish_embeddings

START = parse_instant("2026-01-05T00:00:00Z")
TASTES = {"red": ["rose", "ruby", "rust"], "blue": ["iris", "azure", "navy"]}

visits = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=1, max_size=25)


def events(day):
    """Each of two queries leads to two of three items of its colour, session by session."""
    for number in range(12):
        colour = ("red", "blue")[number % 2]
        chosen = TASTES[colour][:2] if number % 4 < 2 else TASTES[colour][1:]
        request, at = f"r{day}-{number}", START + day * DAY + number
        shared = {"user_id": f"u{number}", "session_id": f"s{day}-{number}"}
        shown = {"items": TASTES[colour], "query": colour, "request_id": request}
        yield {"kind": "ranking", "event_id": request, "event_time": to_text(at), **shown, **shared}
        for item in chosen:
            acted = {"type": "click", "item_id": item, "request_id": request}
            named = {"event_id": f"c{request}{item}", "event_time": to_text(at + 1)}
            yield {"kind": "interaction", **named, **acted, **shared}


@pytest.fixture
def shop(home, tmp_path):
    import msgspec

    from feature_repo.events.ingest import ingest

    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(msgspec.json.encode(e) for day in range(3) for e in events(day)))
    ingest([path], home=home, clock=Clock())
    return home


@given(visits)
def test_pairs_are_counted_once_a_context(rows):
    entity, context = np.array(rows).T

    counted = Cooccurrences.count(entity, context, 6)

    contexts = [set(entity[context == c]) for c in set(context)]
    brute = [[sum({a, b} <= c for c in contexts) for b in range(6)] for a in range(6)]
    np.testing.assert_array_equal(counted.contexts, np.diag(brute))
    np.testing.assert_array_equal(counted.pairs.toarray(), brute - np.diag(np.diag(brute)))


@given(visits)
def test_ppmi_is_the_formula(rows):
    entity, context = np.array(rows).T
    pairs = Cooccurrences.count(entity, context, 6).pairs.toarray()

    told = Cooccurrences.count(entity, context, 6).ppmi(0.75).toarray()

    smooth = pairs.sum(axis=1) ** 0.75
    for a, b in np.argwhere(pairs):
        p, pa, pb = (
            pairs[a, b] / pairs.sum(),
            pairs[a].sum() / pairs.sum(),
            smooth[b] / smooth.sum(),
        )
        assert told[a, b] == pytest.approx(max(0, np.log(p / (pa * pb))))
    assert not told[pairs == 0].any()


@settings(deadline=None)
@given(visits, st.integers(1, 4))
def test_cosines_keep_the_highest_of_each_row(rows, most):
    entity, context = np.array(rows).T
    counted = Cooccurrences.count(entity, context, 6)

    kept, whole = counted.cosines(most).toarray(), counted.cosines(6).toarray()

    for few, all_ in zip(kept, whole, strict=True):
        np.testing.assert_array_equal(np.sort(few)[::-1][:most], np.sort(all_)[::-1][:most])
        assert (few > 0).sum() <= most


@pytest.mark.parametrize("size", [40, 400], ids=["whole", "truncated"])
def test_the_same_visits_give_the_same_vectors_of_length_one(size):
    rng = np.random.default_rng(1)
    entity, context = rng.integers(size, size=6 * size), rng.integers(size, size=6 * size)
    names = [("item", f"{n:03d}") for n in range(size)]

    one, other = (Embeddings.fit(names, entity, context, 0, 8) for _ in range(2))

    np.testing.assert_array_equal(one.vectors, other.vectors)
    seen = np.isin(np.arange(size), entity)
    np.testing.assert_allclose(np.linalg.norm(one.vectors, axis=1), seen, atol=1e-5)


def test_both_decompositions_find_the_same_neighbours(monkeypatch):
    rng = np.random.default_rng(2)
    entity, context = rng.integers(60, size=900), rng.integers(80, size=900)
    names = [("item", f"{n:02d}") for n in range(60)]
    whole = Embeddings.fit(names, entity, context, 0, 5)
    monkeypatch.setattr("training.retrieval.indexes.embeddings._DENSE", 0)

    truncated = Embeddings.fit(names, entity, context, 0, 5)

    cosines = (e.vectors @ e.vectors.T for e in (whole, truncated))
    np.testing.assert_allclose(*cosines, atol=0.02)


def test_items_and_queries_lie_in_one_space(shop):
    embeddings = fit_embeddings(shop, START + 9 * DAY)

    (query,) = embeddings.apply([key for key in embeddings.entities if key[0] == "query"][:1])
    near = {item for item, _ in embeddings.nearest(query, "item", 3)}

    assert near in [set(items) for items in TASTES.values()]


def test_nothing_seen_at_or_after_the_date_is_known(shop):
    early = fit_embeddings(shop, START + DAY)
    rows = {item for kind, item in early.entities if kind == "item"}

    assert rows == {item for items in TASTES.values() for item in items}
    with pytest.raises(DatasetError, match="no item that was wanted before"):
        fit_embeddings(shop, START + 1)


def test_a_row_reads_the_artifact_that_existed_at_its_time(shop):
    dates = [START + DAY, START + 2 * DAY]
    for date in dates:
        publish_embeddings(shop, date)

    dated = published_embeddings(shop, "default")

    asked = [dates[0] - 1, dates[0], dates[1] - 1, dates[1], dates[1] + 9 * DAY]
    found = [dated.as_of(t) for t in asked]
    assert [e and e.at for e in found] == [None, dates[0], dates[0], dates[1], dates[1]]
    np.testing.assert_array_equal(found[1].vectors, fit_embeddings(shop, dates[0]).vectors)


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(-1, 10))
def test_as_of_is_the_newest_that_is_not_later(dates, t):
    found = DatedArtifacts(
        [Embeddings(at, (), np.empty((0, 0), np.float32)) for at in dates]
    ).as_of(t)

    assert (found and found.at) == max((at for at in dates if at <= t), default=None)


def test_saved_embeddings_come_back_and_a_damaged_file_is_refused(tmp_path):
    names = [("item", "a"), ("item", "b"), ("query", "a")]
    saved = Embeddings.fit(names, np.array([0, 1, 2, 0]), np.array([0, 0, 1, 1]), 5)
    saved.save(tmp_path)

    loaded = Embeddings.load(tmp_path)

    assert (loaded.at, loaded.entities) == (5, saved.entities)
    np.testing.assert_array_equal(loaded.vectors, saved.vectors)
    assert np.isnan(loaded.apply([("item", "unknown")])).all()
    (tmp_path / "vectors.parquet").write_bytes(b"PAR1")
    with pytest.raises(ArtifactError, match="expected embeddings"):
        Embeddings.load(tmp_path)
