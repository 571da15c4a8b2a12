# PostgreSQL's official image with agentmem in it: everything else is as its own page says.
#     docker build -t agentmem .
#     docker run -e POSTGRES_PASSWORD=secret agentmem -c shared_preload_libraries=agentmem
# Another major: --build-arg PG_MAJOR=17
ARG PG_MAJOR=18

FROM postgres:${PG_MAJOR} AS build
ARG PG_MAJOR=18
# The headers are of the very version that runs.
RUN apt-get update && \
    apt-get install -y --no-install-recommends build-essential libicu-dev "postgresql-server-dev-$PG_MAJOR=$(dpkg-query -W -f '${Version}' "postgresql-$PG_MAJOR")"
COPY . /src
# Twice the same for contrib, which does without pgvector until someone makes its extension.
RUN make -C /src -j"$(nproc)" with_llvm=no PG_CONFIG="/usr/lib/postgresql/$PG_MAJOR/bin/pg_config" && \
    make -C /src install with_llvm=no PG_CONFIG="/usr/lib/postgresql/$PG_MAJOR/bin/pg_config" DESTDIR=/install && \
    make -C /src/contrib/agentmem_pgvector install with_llvm=no PG_CONFIG="/usr/lib/postgresql/$PG_MAJOR/bin/pg_config" DESTDIR=/install

FROM postgres:${PG_MAJOR}
COPY --from=build /install/ /
