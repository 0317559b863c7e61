"""A crew that was recorded, and its replay: what is asserted holds for both."""

import pytest

import agentvcr
from tests.support.crew import Crew, CrewProvider


@pytest.fixture(scope="session")
def cassettes(tmp_path_factory):
    """Record a crew, and replay it with its provider gone."""
    folder = tmp_path_factory.mktemp("crew")
    place = folder / "crew.avcr"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        with CrewProvider() as provider, agentvcr.record(place) as session:
            url = provider.base_url
            Crew(url).run()
        assert len(session.run.exchanges) == 13
        with agentvcr.replay(place) as session:
            Crew(url).run()
        session.raise_for_divergence()
    return {"recorded": place, "replayed": folder / "crew.last.avcr"}


@pytest.fixture(params=["recorded", "replayed"])
def run(request, cassettes):
    """Give the run of the crew, recorded or replayed."""
    return agentvcr.load(cassettes[request.param])


@pytest.fixture
def fails():
    """Check that an assertion fails with these words."""

    def check(assertion, words):
        with pytest.raises(agentvcr.assertions.ExpectationFailed) as failed:
            assertion()
        told = str(failed.value).replace("crew.last.avcr", "crew.avcr")
        assert told == words.strip("\n")
        assert max(map(len, told.splitlines())) <= 78

    return check
