"""The compose file brought up under a name of its own, on a free port, with secrets made for the occasion."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from urllib.error import URLError
from urllib.request import urlopen

from deploy.rehearsal.images import IMAGE, names
from deploy.rehearsal.steps import ROOT, Failed, run, say, step

PROJECT = "serumpun-rehearsal"
SERVICES = ("registration", "aid_distribution", "notifications")
READY_SECONDS_MAX = 120


@dataclass(frozen=True, slots=True)
class Stack:
    """A running system: its address, and the environment in which commands reach it."""

    url: str
    env: Mapping[str, str]

    def compose(self, *arguments: str) -> str:
        """Run docker-compose on this system."""
        return run(*_compose(), *arguments, env=self.env)

    def container(self, service: str) -> str:
        """Give the id of the container of a service."""
        labels = (f"project={PROJECT}", f"service={service}")
        wanted = [word for label in labels for word in ("--filter", f"label=com.docker.compose.{label}")]
        return run("docker", "ps", "--quiet", *wanted, env=self.env).strip()

    @property
    def tests(self) -> dict[str, str]:
        """Give the environment in which tests find the system."""
        compose = " ".join(_compose())
        return {
            **self.env,
            "SERUMPUN_TEST_COMPOSE": compose,
            "SERUMPUN_TEST_PROJECT": PROJECT,
            "SERUMPUN_TEST_URL": self.url,
            "SERUMPUN_TEST_COMMAND": f"docker exec {self.container('registration')} serumpun",
        }

    def is_ready(self) -> None:
        """Wait until the front door says that every service is ready."""
        deadline = monotonic() + READY_SECONDS_MAX
        while not _ready(self.url):
            if monotonic() > deadline:
                raise Failed(f"not ready after {READY_SECONDS_MAX} s:\n{self.compose('logs', '--tail=15')}")
            sleep(0.5)

    @contextmanager
    def logs(self, folder: Path) -> Iterator[str]:
        """Write what the services say into files, and give their names as the journey takes them."""
        files = [folder / f"{service}.log" for service in SERVICES]
        with ExitStack() as stack:
            for service, file in zip(SERVICES, files, strict=True):
                log = stack.enter_context(file.open("wb"))
                command = ["docker", "logs", "--follow", self.container(service)]
                follower = subprocess.Popen(command, env={**os.environ, **self.env}, stdout=log, stderr=log)  # noqa: S603  ours
                stack.callback(follower.wait)
                stack.callback(follower.terminate)
            yield ":".join(map(str, files))


@contextmanager
def up(engine: Mapping[str, str]) -> Iterator[tuple[Stack, Path]]:
    """Bring everything up, with the demo province; give it and a folder of its own, and take all down at the end."""
    with TemporaryDirectory(prefix="serumpun-rehearsal-") as name:
        folder = Path(name)
        (folder / "post").mkdir()
        port = _free_port()
        env = {
            **engine,
            **names(),
            "SERUMPUN_IMAGE": IMAGE,
            "SERUMPUN_SECRETS": str(folder / "secrets"),
            "SERUMPUN_PORT": str(port),
            "REHEARSAL_POST": str(folder / "post"),
        }
        run(ROOT / "deploy/secrets.sh", env=env)
        mail = folder / "secrets/smtp_url"
        mail.chmod(0o644)
        mail.write_text("smtp://post:2525\n")
        stack = Stack(f"http://127.0.0.1:{port}", env)
        stack.compose("down", "--volumes", "--remove-orphans", "--timeout=5")
        try:
            with step("docker-compose up, migrations, the demo province, ready"):
                stack.compose("up", "--detach", "--no-build")
                stack.compose("run", "--rm", "operator", "load")
                stack.is_ready()
            yield stack, folder
        except BaseException:
            say(_last_words(stack))
            raise
        finally:
            stack.compose("down", "--volumes", "--remove-orphans", "--timeout=25")


def _compose() -> list[str]:
    program = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
    files = [f"--file={ROOT / 'docker-compose.yml'}", f"--file={ROOT / 'deploy/rehearsal/post.yml'}"]
    return [*program, f"--project-name={PROJECT}", *files]


def _ready(url: str) -> bool:
    try:
        with urlopen(f"{url}/readyz", timeout=5) as answer:  # noqa: S310  an address of ours
            return bool(answer.status == 200)  # noqa: PLR2004  what HTTP calls fine
    except (URLError, OSError):
        return False


def _last_words(stack: Stack) -> str:
    try:
        return stack.compose("ps") + stack.compose("logs", "--no-color", "--tail=20")
    except Failed as error:
        return str(error)


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])
