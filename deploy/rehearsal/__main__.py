"""Rehearse the containers: `python -m deploy.rehearsal`, or `make containers`.

Exit code 0 when everything held, and also, with a loud box, where no engine can run at all; 1 when an engine ran and
something did not hold.
"""

import fcntl
import os
import signal
import sys
from pathlib import Path
from tempfile import gettempdir

from deploy.rehearsal import images, stack
from deploy.rehearsal.engine import NoEngine, engine, install
from deploy.rehearsal.steps import Failed, boxed, say, step, tested

# What a server can tell apart: transactions and locks, streams, lost connections. The rest runs the same everywhere.
ON_CONTAINERS = [
    *(f"tests/shared/test_{name}.py" for name in ("outbox", "stream", "relay", "consumer", "parking", "fence")),
    "tests/aid_distribution/test_races.py",
]


def rehearse(folder: Path) -> None:
    """Do everything, from the tools to the last container ended; raises Failed or NoEngine."""
    with step("tools: docker, docker-compose, debootstrap"):
        install()
    say("engine")
    with engine(folder) as env:
        with step("base image: debootstrap"):
            images.debian(env)
        with step("images: python, postgres, redis, haproxy, and serumpun on them"):
            images.build(env)
            say(f"  the image is {images.megabytes_over_base(env):.0f} MB over its base")
        with stack.up(env) as (system, own):
            with step("the journey, told of the containers"), system.logs(own) as logs:
                post = {"SERUMPUN_TEST_LOGS": logs, "SERUMPUN_TEST_POST": str(own / "post/office")}
                tested("tests/journey/test_story.py", env={**system.tests, **post})
            with step("rights, limits, kill -9 and healing, backup and restore"):
                tested("--durations=8", "tests/deploy/running_containers.py", env=system.tests)
        with step("the suite on testcontainers"):
            tested(
                "--durations=5", *ON_CONTAINERS, env={**env, **images.names(), "SERUMPUN_TEST_SERVERS": "containers"}
            )
    say("engine ended")


def main() -> None:
    """Rehearse, one at a time on a machine; whoever asks it to stop lets it take down what it has brought up."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"  # where Debian keeps dockerd and debootstrap
    folder = Path(os.environ.get("SERUMPUN_CONTAINERS") or Path(gettempdir()) / "serumpun-containers")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            rehearse(folder)
        except NoEngine as error:
            boxed("THE CONTAINERS WERE NOT TESTED: no engine can run here", *str(error).splitlines())
        except Failed as error:
            boxed("THE CONTAINERS FAILED", *str(error).splitlines())
            sys.exit(1)


if __name__ == "__main__":
    main()
