"""PostgreSQL and Valkey out of their wheels, for a machine that has nothing but Python."""

from shared.embedded.processes import StartFailed
from shared.embedded.provisioning import provision
from shared.embedded.servers import EmbeddedServers, Running, find_running

__all__ = ["EmbeddedServers", "Running", "StartFailed", "find_running", "provision"]
