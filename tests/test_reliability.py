"""Every fault of `docs/reliability.md` is declared once, measured, and protected by a test."""

import pytest

from tests.benchmarks.faults.page import PAGE, page, results
from tests.benchmarks.faults.registry import FAULTS
from tests.source_tree import ROOT


def each_fault(test):
    return pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)(test)


def test_the_names_of_faults_are_unique():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@each_fault
def test_a_fault_is_measured(fault):
    assert fault.name in results(), f"measure it: make bench NAME=\"faults '{fault.name}'\""


@each_fault
def test_the_test_of_a_fault_exists(fault):
    file, _, function = fault.test.partition("::")

    assert f"def {function}(" in (ROOT / file).read_text(encoding="utf-8")


def test_the_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == page(FAULTS, results()), (
        "write it with `python -m tests.benchmarks.faults.page`"
    )
