# One machine in a container: a scheduler, an agent and SQLite. For many machines see examples/deploy/.
#
#   docker build -t elasticjob-cloud .
#   docker run -p 127.0.0.1:8899:8899 -e ELASTICJOB_ADMIN_PASSWORD=... -e ELASTICJOB_GUEST_PASSWORD=... \
#       -v elasticjob:/var/lib/elasticjob elasticjob-cloud
#
# Jobs run in this image too: add what they need that is not in their apps.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY constraints/ constraints/
RUN pip install --no-cache-dir --require-hashes -r constraints/uv.txt && python -m venv /opt/elasticjob
COPY pyproject.toml hatch_build.py README.md LICENSE NOTICE ./
COPY scripts/build_console.py scripts/
COPY console/ console/
COPY src/ src/
# The pins of the repository, and their hashes. The console is built with Node from PyPI; without it there is no image.
RUN CONSOLE_BUILD=require uv pip install --python /opt/elasticjob/bin/python --compile-bytecode \
    --constraint constraints/dev.txt \
    --build-constraint constraints/dev.txt --build-constraint constraints/console.txt \
    '.[scheduler,postgres]'

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --create-home elasticjob \
    && install -d -o elasticjob -g elasticjob -m 0700 /var/lib/elasticjob
COPY --from=build /opt/elasticjob /opt/elasticjob
ENV PATH=/opt/elasticjob/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ELASTICJOB_HOST=0.0.0.0 \
    ELASTICJOB_PORT=8899 \
    ELASTICJOB_DATA_DIR=/var/lib/elasticjob
USER 10001:10001
VOLUME /var/lib/elasticjob
EXPOSE 8899
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['ELASTICJOB_PORT'] + '/readyz', timeout=4)"]
ENTRYPOINT ["elasticjob-cloud"]
CMD ["standalone"]
