"""A request belongs to one cell, whose label says what it covers."""

from training.bandits import Context, Feature, Text

CLICKS = Feature("clicks", (1.0, 10.0))
DEVICE = Text("device", ("mobile", "desktop"))
CONTEXT = Context((CLICKS, DEVICE))


def label_of(**values):
    return CONTEXT.cells[CONTEXT.position(values)].label


def test_levels_have_labels_that_say_what_they_cover():
    assert label_of(clicks=0, device="mobile") == "clicks=..1,device=mobile"
    assert label_of(clicks=1) == "clicks=1..10,device=other"
    assert label_of(clicks=10.0, device="desktop") == "clicks=10..,device=desktop"
    assert label_of(clicks=None, device="toaster") == "missing,device=other"
    assert label_of(clicks=float("nan")) == label_of(clicks="7") == "missing,device=other"


def test_each_combination_is_one_cell():
    labels = [cell.label for cell in CONTEXT.cells]

    assert len({*labels}) == len(labels) == 4 * 3
    assert len({cell.columns for cell in CONTEXT.cells}) == 4 * 3


def test_a_linear_model_reads_levels_between_0_and_1_and_whether_a_value_is_missing():
    def columns_of(**values):
        return CONTEXT.cells[CONTEXT.position(values)].columns

    assert columns_of(clicks=0) == (1, 0, 0, 0, 0)
    assert columns_of(clicks=5, device="mobile") == (1, 0, 0.5, 1, 0)
    assert columns_of(clicks=50, device="desktop") == (1, 0, 1, 0, 1)
    assert columns_of() == (1, 1, 0, 0, 0)


def test_without_a_context_there_is_one_cell():
    assert [cell.label for cell in Context().cells] == ["any"]
    assert Context().position({"device": "mobile"}) == 0
