"""Many runs of one scenario, one seed after the other."""

from collections.abc import Callable, Iterable

from openoutcry.host.kinds import Scenario
from openoutcry.simulation.options import DEFAULT, Options
from openoutcry.simulation.outcome import Totals
from openoutcry.simulation.world import simulate


def run_campaign(
    scenario: Scenario,
    seeds: Iterable[int],
    options: Options = DEFAULT,
    goes_on: Callable[[Totals], bool] = lambda totals: True,
) -> Totals:
    """Run a scenario with each seed and add up what came of it. goes_on: asked before each; False ends the campaign."""
    totals = Totals(scenario.name)
    for seed in seeds:
        if not goes_on(totals):
            break
        totals.add(simulate(scenario, seed, options))
    return totals
