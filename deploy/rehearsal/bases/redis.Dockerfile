# Stands in for the public image of Redis, out of Debian's packages.
ARG BASE
FROM ${BASE}
RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends redis-server && mkdir -p /data && chown redis:redis /data
WORKDIR /data
EXPOSE 6379
# Told in the words of the original, for which testcontainers waits.
CMD ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", ""]
