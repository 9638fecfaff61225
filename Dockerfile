# The image of everything that runs in a container: code server, webserver, daemon, runs and embedding
# workers. deploy/README.md says how it is built and what weighs what.
#
#   docker build -t audio-assets .
#   docker build -t audio-assets:slim --build-arg EXTRAS=k8s .      without TensorFlow: BirdNET and MFCC
#   docker build --build-arg REVISION=$(git rev-parse HEAD) ...     reports name the commit
# For all platforms; make pins brings it up to what the tag names now.
ARG BASE=docker.io/library/python:3.11-slim@sha256:9c900dea9e8fb7e16277c179b555cc72d29a352dbc33cff48ad5a0412fd5bfc7

# ------------------------------------------------------------------------------ requirements
# Apart, so that what else changes in pyproject.toml installs nothing again.
FROM ${BASE} AS requirements
ARG EXTRAS=k8s,tensorflow
COPY pyproject.toml requirements.lock /locked/
COPY .ci/locked.py /locked/.ci/
RUN python3 /locked/.ci/locked.py "${EXTRAS}" > /requirements.txt

# ------------------------------------------------------------------------------ dependencies
FROM ${BASE} AS dependencies
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1
# pip has an environment of its own, so that it stays behind.
RUN python3 -m venv /opt/pip && python3 -m venv --without-pip /opt/venv
COPY --from=requirements /requirements.txt /build/
RUN /opt/pip/bin/pip --python /opt/venv/bin/python install --quiet \
      --no-deps --require-hashes -r /build/requirements.txt \
 && /opt/pip/bin/pip --python /opt/venv/bin/python check
# What no run reads: tests, headers, libclang (TensorFlow needs it to be built, not to run), and the
# descriptions of all Google APIs (buckets are not reached through them).
RUN cd /opt/venv/lib/python3.11/site-packages \
 && find . -type d -name tests -prune -exec rm -rf {} + \
 && rm -rf clang tensorflow/include pyarrow/include googleapiclient/discovery_cache/documents
# Compiled here because a read-only root cannot keep it: importing the definitions takes a multiple of
# the time without. By hash and unchecked: layers may change the times of files. A few libraries bring
# templates that are no valid Python, which fails nothing but their own compilation.
RUN /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash \
      /opt/venv/lib/python3.11/site-packages || true
# Where the project is.
RUN echo /opt/app > /opt/venv/lib/python3.11/site-packages/audio_assets_app.pth

# ------------------------------------------------------------------------------ the project
FROM dependencies AS project
COPY pyproject.toml README.md LICENSE NOTICE /build/project/
COPY audio_assets /build/project/audio_assets
RUN /opt/pip/bin/pip --python /opt/venv/bin/python install --quiet --no-deps --no-build-isolation \
      --target /opt/app /build/project \
 && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/app

# ------------------------------------------------------------------------------ the image
FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="audio-assets" \
      org.opencontainers.image.description="Which pretrained audio model to use for a species, and how many labelled clips are enough." \
      org.opencontainers.image.licenses="Apache-2.0 AND CC-BY-NC-SA-4.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION:-unknown}"
# One folder to write to besides /tmp: with a read-only root, mount volumes on these two.
RUN groupadd --gid 10001 audio-assets \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/cache/audio-assets \
      --shell /usr/sbin/nologin audio-assets \
 && install -d -o 10001 -g 10001 /var/cache/audio-assets /opt/dagster/dagster_home
COPY --from=dependencies /opt/venv /opt/venv
COPY --from=project /opt/app /opt/app
# For the report: the image has no clone to read it from.
RUN if [ -n "${REVISION}" ]; then echo "${REVISION}" > /opt/app/audio_assets/REVISION; fi
ENV PATH=/opt/app/bin:/opt/venv/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/var/cache/audio-assets \
    XDG_CACHE_HOME=/var/cache/audio-assets \
    AUDIO_ASSETS_CACHE_DIR=/var/cache/audio-assets/weights \
    NUMBA_CACHE_DIR=/var/cache/audio-assets/numba \
    MPLCONFIGDIR=/var/cache/audio-assets/matplotlib \
    DAGSTER_HOME=/opt/dagster/dagster_home \
    DAGSTER_DISABLE_TELEMETRY=1
WORKDIR /var/cache/audio-assets
# By number, so that runAsNonRoot can check it.
USER 10001:10001
EXPOSE 3030
# Of the code server; Kubernetes has probes of its own.
HEALTHCHECK --interval=20s --timeout=10s --start-period=60s \
  CMD ["dagster", "api", "grpc-health-check", "-p", "3030"]
# No entry point: the run launcher gives arguments that are whole commands.
CMD ["dagster", "api", "grpc", "-h", "0.0.0.0", "-p", "3030", "-m", "audio_assets.definitions"]
