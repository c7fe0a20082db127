"""The resources of a service without data."""

import asyncio

import pytest

from feature_repo.home import Settings
from serving.flow import Resources


@pytest.fixture
def resources(home):
    opened = Resources.open(Settings(home=home))
    yield opened
    asyncio.run(opened.close())
