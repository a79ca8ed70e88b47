"""A driver for the library's scenarios that leaves no container behind."""

import os
from dataclasses import replace

import pytest

from range.runtime import options as driver_options
from range.runtime.registry import get_driver


@pytest.fixture(scope="module")
def driver():
    chosen = replace(driver_options.current(), installation=f"library-test-{os.getpid()}")
    made = get_driver("docker", chosen)
    yield made
    for handle in made.running():
        made.stop(handle)
