"""An encoded field counts values in one order, whatever forms of them items had before."""

import numpy as np

from training.retrieval.catalogue.encoded_field import EncodedField


def test_values_are_counted_in_one_order_after_a_form_has_lost_its_items():
    everything = np.ones(2, np.bool_)
    before = EncodedField.of(["Oak", "elm"])

    changed = before.with_values(np.array([0]), ["oak"], 2)

    assert changed.facet(everything) == EncodedField.of(["oak", "elm"]).facet(everything)
    assert changed.facet(everything) == [("elm", 1), ("oak", 1)]
