# SPDX-License-Identifier: Apache-2.0
import pytest
from fixtures import time_limit  # noqa: F401
from peer import Peer


@pytest.fixture
def peer():
    """A provider whose answers the test chooses."""
    peer = Peer()
    yield peer
    peer.close()


@pytest.fixture
def open_provider():
    """open_provider(plugin, settings, vault=True): closed after the test, and then clean."""
    from driver import Provider

    opened = []

    def make(plugin, settings, **options):
        opened.append(Provider(plugin, settings, **options))
        return opened[-1]

    yield make
    for provider in opened:
        if provider.process.returncode is None:
            provider.close()
