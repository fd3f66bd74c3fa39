"""What came of a deployment, by git's history, the hosting's own record and what serves."""

import json
from urllib.request import urlopen

from benchmarks.campaign.cases import Case
from benchmarks.campaign.counting import Counts, files_left
from benchmarks.campaign.deployments import DeploymentSite
from benchmarks.campaign.running import Running
from drillbook.core.plan import Plan
from drillbook.engine.outcome import RunOutcome, State
from drillbook.range.cloud import BRANCHES

ASKED = ("promote", "rollback")
UNDONE = (State.TAKEN_BACK, State.REFUSED, State.PARTLY_TAKEN_BACK)
MERGES = {"2.1": "staging", "3.3": "production"}


def count_deployment(site: DeploymentSite, case: Case, outcome: RunOutcome) -> Counts:
    """Compare what a run says with what was merged, switched and serves."""
    site.rest()
    counts = Counts()
    merged = {name: site.ground.since(name) for name in BRANCHES}
    for name, came in merged.items():
        counts.add("twice", f"{len(came)} merges into {BRANCHES[name]}", len(came) - 1)
    asked = [each for each in site.ground.new_switches() if each["type"] in ASKED]
    done = [each for each in asked if each["jobStatus"] == "succeeded"]
    counts.add("twice", f"{len(done)} switches asked for", len(done) - 1)
    reminders = len(site.ground.issues())
    counts.add("twice", f"{reminders} reminders", reminders - 1)
    _see_end(site, outcome, merged, bool(done), counts)
    if case.variant.drift and outcome.state is State.DONE:
        counts.add("false_done", "what can never be so is said to be so")
    if done and outcome.state is State.PARTLY_TAKEN_BACK:
        counts.add("lost", "the reminder", 1 - reminders)
    if outcome.state is State.DONE and done:
        counts.add("false_done", "it was switched back")
    for what in files_left(site):
        counts.add("left_over", what)
    return counts


def _see_end(
    site: DeploymentSite,
    outcome: RunOutcome,
    merged: dict[str, list[str]],
    is_back: bool,
    counts: Counts,
) -> None:
    serves, word = site.ground.serving_commit(), _own_word(site)
    if word and word != serves:
        counts.add("false_done", f"the edge gives {serves[:7]}, and the app says {word[:7]}")
    if outcome.state is State.DONE:
        for name, came in merged.items():
            counts.add("lost", f"the merge into {BRANCHES[name]}", 1 - len(came))
        if merged["production"] and serves != merged["production"][0]:
            counts.add("false_done", f"{serves[:7]} serves, and {merged['production'][0][:7]} not")
    if outcome.state in UNDONE:
        _see_undone(site, outcome, merged, counts)
    if is_back and site.ground.automatic():
        counts.add("lost", "automatic assignment is on after a rollback")


def _see_undone(
    site: DeploymentSite, outcome: RunOutcome, merged: dict[str, list[str]], counts: Counts
) -> None:
    serves = site.ground.serving_commit()
    if serves != site.ground.good and not outcome.stuck:
        counts.add("false_taken_back", f"{serves[:7]} serves")
    for task, name in MERGES.items():
        if task in outcome.kept and not merged[name]:
            counts.add("lost", f"the merge of {task}, which is said to be kept")
        told = outcome.state is State.PARTLY_TAKEN_BACK and task in (*outcome.kept, *outcome.stuck)
        if merged[name] and not told:
            counts.add(
                "false_taken_back", f"{BRANCHES[name]} has a merge, and the run tells of none"
            )


def _own_word(site: DeploymentSite) -> str:
    with urlopen(f"{site.cloud.app_url('production')}/api/version", timeout=20) as answer:
        return str(json.loads(answer.read())["commit"])


class RunningDeployment(Running):
    """One deployment under way."""

    def _prepare(self) -> None:
        """Have nothing to compare databases with."""

    def _found(self, outcome: RunOutcome, plan: Plan) -> tuple[Counts, ...]:  # noqa: ARG002 - as Running's
        return (count_deployment(self.site, self.case, outcome),)
