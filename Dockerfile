# One image for every role: `serve` (the default), `topics create`, `judge`, `check` …
ARG PYTHON=3.11
# run: a worker; api: with what `api` needs; platforms: with what bridges need.
ARG REQUIREMENTS=run

# The full image has a compiler: on arm64 one dependency comes as source only.
FROM python:${PYTHON} AS dependencies
ARG REQUIREMENTS
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements/${REQUIREMENTS}.txt /tmp/requirements.txt
RUN /opt/venv/bin/pip install --require-hashes -r /tmp/requirements.txt
COPY requirements/kernel.txt streams/judging/building.py streams/judging/kernel.pyx /tmp/kernel/
RUN python -m venv /tmp/build \
 && /tmp/build/bin/pip install --require-hashes -r /tmp/kernel/kernel.txt \
 && REQUIRE_KERNEL=1 /tmp/build/bin/python /tmp/kernel/building.py

FROM python:${PYTHON}-slim
LABEL org.opencontainers.image.title="Chatsieve" \
      org.opencontainers.image.description="A streaming moderator for chat: Kafka in, explained verdicts out." \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 chatsieve \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin chatsieve
# Copies of rule sets that were good; a volume that is mounted here takes over whose it is.
RUN install -d -o 10001 -g 10001 /var/lib/chatsieve
COPY --from=dependencies /opt/venv /opt/venv
WORKDIR /app
COPY models models
COPY rules rules
COPY streams streams
COPY --from=dependencies /tmp/kernel/*.so streams/judging/
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CHATSIEVE_HTTP=0.0.0.0:8080 \
    CHATSIEVE_STATE=/var/lib/chatsieve
USER 10001:10001
EXPOSE 8080
# Fails when the watchdog sees lag and no record judged. The worker ends itself then; this tells who looks on.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as http; http.urlopen('http://127.0.0.1:' + os.environ['CHATSIEVE_HTTP'].rpartition(':')[2] + '/live', timeout=2)"]
ENTRYPOINT ["python", "-m", "streams"]
CMD ["serve"]
