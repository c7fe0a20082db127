"""Fitted models have the same bytes for any vector unit, BLAS kernel and number of threads."""

import json
import os
import subprocess
import sys

import pytest

WITHOUT_AVX512 = "AVX512_SPR AVX512_ICL X86_V4"
"""numpy's names; a processor without them ignores the setting."""

PROCESSORS = {
    "numpy without AVX-512, OpenBLAS for Haswell": {
        "NPY_DISABLE_CPU_FEATURES": WITHOUT_AVX512,
        "OPENBLAS_CORETYPE": "Haswell",
    },
    "OpenBLAS for Nehalem": {"OPENBLAS_CORETYPE": "Nehalem"},
    "two threads": {"OMP_NUM_THREADS": "2"},
}


def learn(changes):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **changes}
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.training.reproducible_learning"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def hashes():
    processes = {name: learn(changes) for name, changes in {"": {}, **PROCESSORS}.items()}
    outputs = {name: process.communicate()[0] for name, process in processes.items()}
    assert not any(process.returncode for process in processes.values())
    return {name: json.loads(output) for name, output in outputs.items()}


@pytest.mark.parametrize("processor", PROCESSORS)
def test_learning_gives_the_same_bytes_on_another_processor(processor, hashes):
    assert len(hashes[""]) > 10
    assert hashes[processor] == hashes[""]
