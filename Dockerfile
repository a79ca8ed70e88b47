# One image for every role; compose.yaml says which runs what, and as whom.
# Debian 12 inside, because base images of scenarios are made from these apt sources.
ARG PYTHON=python:3.13-slim-bookworm
FROM ${PYTHON}

RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        ca-certificates iptables mmdebstrap \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --user-group --no-create-home --shell /usr/sbin/nologin muster

WORKDIR /opt/muster
ENV PYTHONUNBUFFERED=1 RANGE_STATE_DIR=/var/lib/muster/state RANGE_LOG_FORMAT=json

COPY bin/common.sh bin/vendor bin/
COPY requirements requirements
COPY package.json package-lock.json ./
RUN python3 -m venv .venv \
    && .venv/bin/python -m pip install --no-cache-dir --require-hashes -r requirements/base.txt
RUN bin/vendor && rm -rf node_modules var

COPY . .
RUN install -d -o root -g muster -m 2750 /var/lib/muster/state/recordings \
    && install -d -o muster -g muster /var/lib/muster/state/weights

ENV PATH=/opt/muster/.venv/bin:$PATH
USER muster
CMD ["python", "manage.py", "doctor"]
