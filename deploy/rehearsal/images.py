"""The base images out of Debian's packages, for a machine without a registry, under the names that the build takes."""

import shutil
import ssl
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.rehearsal.steps import ROOT, Failed, run, succeeds

BASES = Path(__file__).parent / "bases"
RELEASE = "bookworm"
DEBIAN = f"serumpun-base/debian:{RELEASE}"
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  only to unpack in, where there is no disk to wait for
UNPACKED_BYTES = 1_000_000_000
PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host")

# What docker-compose.yml and deploy/Dockerfile call the images, and the target that stands in for each.
TARGETS = {
    "PYTHON_IMAGE": "python",
    "PYTHON_BUILD_IMAGE": "python-build",
    "POSTGRES_IMAGE": "postgres",
    "REDIS_IMAGE": "redis",
    "PROXY_IMAGE": "proxy",
}
IMAGE = "serumpun:rehearsal"


def names() -> dict[str, str]:
    """Give the names of the local base images, as the compose file takes them."""
    return {variable: f"serumpun-base/{target}:{RELEASE}" for variable, target in TARGETS.items()}


def debian(env: Mapping[str, str]) -> None:
    """Make the smallest Debian an image, unless there is one of these packages already."""
    if succeeds("docker", "image", "inspect", DEBIAN, env=env):
        return
    with TemporaryDirectory(prefix="serumpun-base-", dir=_roomy()) as folder:
        root = Path(folder) / "root"
        run("debootstrap", "--variant=minbase", "--include=ca-certificates", RELEASE, root, _mirror())
        shutil.rmtree(root / "var/cache/apt/archives", ignore_errors=True)
        archive = Path(folder) / "root.tar"
        run("tar", "--create", "--numeric-owner", "--one-file-system", "-C", root, "-f", archive, ".")
        run("docker", "import", archive, DEBIAN, env=env)


def build(env: Mapping[str, str]) -> None:
    """Build the bases and, at the same time, the image of the services as soon as its own are there."""
    with TemporaryDirectory(prefix="serumpun-base-") as folder, ThreadPoolExecutor(1) as beside:
        context = Path(folder)
        for file in BASES.iterdir():
            shutil.copy(file, context)
        shutil.copy(_trusted(), context / "trusted.pem")
        (context / "pip.conf").write_text(_pip_settings())
        servers = [beside.submit(_build_base, context, name, DEBIAN, env) for name in ("postgres", "redis", "proxy")]
        _build_base(context, "python", DEBIAN, env)
        _build_base(context, "python-build", names()["PYTHON_IMAGE"], env)
        services(env)
        for server in servers:
            server.result()


def services(env: Mapping[str, str]) -> None:
    """Build the image of the services on the local bases."""
    base = names()
    run(
        *("docker", "build", "--network=host", "--tag", IMAGE, "--file", ROOT / "deploy/Dockerfile"),
        *("--build-arg", f"BUILD_IMAGE={base['PYTHON_BUILD_IMAGE']}"),
        *("--build-arg", f"RUNTIME_IMAGE={base['PYTHON_IMAGE']}", ROOT),
        env=env,
    )


def megabytes_over_base(env: Mapping[str, str]) -> float:
    """Tell what the image of the services adds to its base."""
    sizes = run("docker", "image", "inspect", "--format", "{{.Size}}", IMAGE, names()["PYTHON_IMAGE"], env=env).split()
    return (int(sizes[0]) - int(sizes[1])) / 1e6


def _build_base(context: Path, target: str, base: str, env: Mapping[str, str]) -> None:
    run(
        *("docker", "build", "--network=host", "--tag", f"serumpun-base/{target}:{RELEASE}"),
        *("--build-arg", f"BASE={base}", "--file", context / f"{target}.Dockerfile", context),
        env=env,
    )


def _mirror() -> str:
    """Give the address from which this machine takes Debian's main packages."""
    listed = run("apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)", "Created-By: Packages")
    found = [line.split(" ", 1) for line in listed.splitlines() if " " in line]
    for codename in (RELEASE, *(name for name, _ in found)):
        for name, address in found:
            if name == codename:
                return address
    raise Failed("apt-get knows of no mirror")


def _roomy() -> Path | None:
    """Choose where to unpack: in memory where a system can be made there, else wherever temporary files go."""
    mounted = subprocess.run(["findmnt", "-no", "OPTIONS", SHARED_MEMORY], capture_output=True, text=True, check=False)  # noqa: S603, S607  fixed
    plain = mounted.stdout and not {"nodev", "noexec"} & set(mounted.stdout.strip().split(","))
    return SHARED_MEMORY if plain and shutil.disk_usage(SHARED_MEMORY).free > UNPACKED_BYTES else None


def _trusted() -> Path:
    """Find the authorities that this machine trusts, its own among them."""
    paths = ssl.get_default_verify_paths()
    candidates = [paths.cafile, paths.openssl_cafile, "/etc/ssl/certs/ca-certificates.crt"]
    return next(Path(path) for path in candidates if path and Path(path).is_file())


def _pip_settings() -> str:
    """Give what this machine tells pip of its indexes, for the build stage only; folders of it mean nothing there."""
    lines = ["[global]"]
    for line in run(sys.executable, "-m", "pip", "config", "list").splitlines():
        name, _, value = line.partition("=")
        words = [word for word in value.strip("'\"").replace("\\n", " ").split() if not word.startswith(("file:", "/"))]
        if name.rpartition(".")[2] in PIP_SETTINGS and words:
            lines.append(f"{name.rpartition('.')[2]} = {' '.join(words)}")
    return "\n".join(lines) + "\n"
