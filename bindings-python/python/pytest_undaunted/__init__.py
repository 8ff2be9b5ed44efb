"""undaunted's plugin for pytest. Beside the package, not in it: a run that uses nothing of it does not import undaunted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from undaunted import Testing


@pytest.fixture
def undaunted_testing(request: pytest.FixtureRequest) -> Iterator[Testing]:
    """An `undaunted.testing()` context around the test: nothing is waited, waits and events are recorded.

    `@pytest.mark.undaunted(attempts=..., seed=..., script=...)` gives its arguments.
    """
    import undaunted

    marker = request.node.get_closest_marker(MARKER)
    was_active = undaunted.is_active()
    undaunted.set_active(True)
    try:
        with undaunted.testing(**({} if marker is None else marker.kwargs)) as context:
            yield context
    finally:
        undaunted.set_active(was_active)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(INI, "whether calls are retried in tests without undaunted_testing", type="bool", default=True)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARKER}(attempts, seed, script): run the test in undaunted.testing() with these arguments")
    if not config.getini(INI):
        import undaunted

        config.stash[_was_active] = undaunted.is_active()
        undaunted.set_active(False)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _was_active in config.stash:
        import undaunted

        undaunted.set_active(config.stash[_was_active])


def pytest_itemcollected(item: pytest.Item) -> None:
    marker = item.get_closest_marker(MARKER)
    if marker is None:
        return
    if marker.args:
        raise pytest.UsageError(f"{item.nodeid}: the marker {MARKER} has {marker.args!r}, allowed attempts=, seed= and script=; name the arguments")
    names: list[str] = getattr(item, "fixturenames", [])
    if FIXTURE not in names:
        names.insert(0, FIXTURE)


MARKER = "undaunted"
FIXTURE = "undaunted_testing"
INI = "undaunted_active"
_was_active = pytest.StashKey[bool]()
