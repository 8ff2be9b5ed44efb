"""The plugin, as pytest finds it: by its entry point."""

import pytest

import undaunted

FLAKY = """
import sys
import undaunted

calls = []

@undaunted.retry(attempts=5)
def fetch():
    calls.append(1)
    raise ConnectionResetError

def outcome():
    calls.clear()
    try:
        fetch()
    except Exception as error:
        return len(calls), undaunted.history(error).reason
"""


@pytest.fixture
def run(pytester):
    """Runs a file of tests; answers what pytest printed."""

    def run(tests, *options):
        pytester.makepyfile(flaky=FLAKY, test_it=tests)
        pytester.makeini("[pytest]\naddopts = --strict-markers -p no:cacheprovider\nfilterwarnings = error\n")
        result = pytester.runpytest_inprocess("-q", *options)
        return f"{result.stdout}{result.stderr}"

    return run


def test_a_run_that_uses_nothing_of_it_does_not_import_undaunted(pytester):
    pytester.makepyfile("import sys\ndef test_it(): assert 'undaunted' not in sys.modules and 'pytest_undaunted' in sys.modules")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_the_fixture_is_a_testing_context(run):
    assert "\n2 passed in " in run(
        "import asyncio\n"
        "from flaky import fetch, outcome, undaunted\n"
        "def test_it(undaunted_testing):\n"
        "    assert (5, 'attempts') == outcome() and 4 == len(undaunted_testing.waits) and undaunted_testing.events\n"
        "def test_asyncio(undaunted_testing):\n"
        "    @undaunted.retry(attempts=3)\n"
        "    async def later(): raise ConnectionResetError\n"
        "    try: asyncio.run(later())\n"
        "    except ConnectionResetError: pass\n"
        "    assert 2 == len(undaunted_testing.waits)\n"
    )


def test_the_marker_gives_its_arguments_and_asks_for_the_fixture(run):
    assert "\n4 passed in " in run(
        "import pytest\n"
        "from flaky import outcome, undaunted\n"
        "@pytest.mark.undaunted(attempts=2)\n"
        "@pytest.mark.parametrize('n', [1, 2])\n"
        "def test_it(n): assert (2, 'attempts') == outcome()\n"
        "@pytest.mark.undaunted(seed=7)\n"
        "def test_seed(undaunted_testing): outcome(); assert undaunted.Policy().schedule(seed=7)[:4] == undaunted_testing.waits\n"
        "@pytest.mark.undaunted(script=[503, 'timeout + takes 2s'])\n"
        "class TestAll:\n"
        "    def test_script(self, undaunted_testing): assert (3, 'attempts') == outcome()\n"
    )


def test_mistakes_in_the_marker_are_told(run):
    test = "import pytest\n@pytest.mark.undaunted({})\ndef test_it(): pass"
    assert "the marker undaunted has (2,), allowed attempts=, seed= and script=; name the arguments" in run(test.format("2"))
    assert 'script.0: the failure is "wat", allowed a status' in run(test.format("script=['wat']"))
    assert "attempts is 0, allowed a whole number from 1" in run(test.format("attempts=0"))
    assert "1 error" in run(test.format("atempts=2"))


def test_retrying_can_be_switched_off_but_for_tests_that_ask_for_it(run):
    tests = (
        "import pytest\n"
        "from flaky import outcome\n"
        "def test_off(): assert (1, 'inactive') == outcome()\n"
        "def test_on(undaunted_testing): assert (5, 'attempts') == outcome()\n"
        "def test_off_again(): assert (1, 'inactive') == outcome()\n"
    )
    assert "\n3 passed in " in run(tests, "-o", "undaunted_active=false")


def test_pytest_lists_marker_fixture_and_setting(run):
    assert "@pytest.mark.undaunted(attempts, seed, script): run the test" in run("", "--markers")
    assert "undaunted_testing" in run("", "--fixtures")
    assert "undaunted_active (bool):" in run("", "--help") and undaunted.is_active()
