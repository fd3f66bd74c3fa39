import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drillbook.core.process_identity import running_with
from twins import standin
from twins.vercel_cloud import VercelCloud, vercel_cloud

SERVE = """
import sys, uvicorn
from pathlib import Path
from drillbook.range.cloud import Cloud
from drillbook.range.twins.vercel import make_app
uvicorn.run(make_app(Cloud(Path(sys.argv[1])), tied=False), fd=int(sys.argv[2]), log_config=None)
"""


@contextmanager
def _served_by_another(twin: VercelCloud) -> Iterator[subprocess.Popen[bytes]]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        twin.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        handle = listening.fileno()
        words = [sys.executable, "-c", SERVE, str(twin.cloud.range), str(handle)]
        process = subprocess.Popen(words, pass_fds=(handle,))
        try:
            yield process
        finally:
            process.kill()
            process.wait(10)


def test_a_twin_killed_in_a_switch_and_a_build_takes_both_up_again_and_does_each_once(
    tmp_path: Path,
) -> None:
    go_on = tmp_path / "go-on"
    command = f"test -e {go_on} || sleep 60; python -m compileall -q booking"
    slow = {"vercel.json": json.dumps(standin.SETTINGS | {"buildCommand": command})}
    folder = tmp_path / "range"
    folder.mkdir()
    with vercel_cloud(folder, serving=False, values={"WAIT_FOR": str(go_on)}) as twin:
        documents = twin.cloud.documents("vercel")
        commit = standin.commit(twin.cloud.repository, "develop", "2.2", slow)
        late = standin.commit(twin.cloud.repository, "main", "2.3", slow)

        def at_work() -> bool:
            states = {each["state"] for each in documents.all("deployment")}
            stages = {each["jobStatus"] for each in documents.all("switch")}
            return "BUILDING" in states and "in-progress" in stages

        with _served_by_another(twin) as process:
            old = twin.deployment_of(twin.commits["1.0"])
            assert twin.ask("POST", f"/v1/projects/booking/rollback/{old}").status_code == 201
            twin.until(at_work)
            process.send_signal(signal.SIGKILL)
            process.wait(10)
        go_on.touch()
        assert at_work()

        with twin.running():
            last = twin.switched()
            twin.until(lambda: twin.users("staging")["VERCEL_GIT_COMMIT_SHA"] == commit)

            twin.until(lambda: twin.get("/v7/deployments", sha=late, state="READY")["deployments"])

        assert last["jobStatus"] == "succeeded"
        assert twin.users()["release"] == "1.0"
        switches = [each["type"] for each in documents.all("switch")]
        assert switches.count("rollback") == 1
        built = [each for each in documents.all("deployment") if each["commit"] == commit]
        assert [each["state"] for each in built] == ["READY"]
        dark = [each for each in documents.all("deployment") if each["commit"] == late]
        assert [each["substate"] for each in dark] == ["STAGED"]
        assert not running_with("-c", command)
        assert not twin.contract.violations
        documents.close()
