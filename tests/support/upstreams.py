# SPDX-License-Identifier: Apache-2.0
"""Fixtures: one stand-in of a vendor (vendor.py) for a whole session."""

import pytest
from vendor import Vendor


@pytest.fixture(scope="session")
def the_upstream():
    with Vendor() as vendor:
        yield vendor


@pytest.fixture
def upstream(the_upstream):
    """A vendor that knows no answer yet."""
    the_upstream.forget()
    return the_upstream
