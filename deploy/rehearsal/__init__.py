"""The containers for real, on a Debian machine that may have neither an engine nor a registry: `make containers`."""
