"""Lets the conformance suites explain their assertions like any other test."""

import pytest

pytest.register_assert_rewrite("tests.contracts.driver", "tests.contracts.driver_reach")
