# SPDX-License-Identifier: Apache-2.0
import pytest
from fixtures import *  # noqa: F401, F403
from browser import Browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()
