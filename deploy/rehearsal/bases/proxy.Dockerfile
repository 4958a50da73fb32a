# Stands in for the public image of HAProxy, out of Debian's packages.
ARG BASE
FROM ${BASE}
RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends haproxy
USER haproxy
STOPSIGNAL SIGUSR1
