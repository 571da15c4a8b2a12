# shellcheck shell=bash
# Everything at once for SOAK_SECONDS, with backends killed; then all is looked at: see soak.pl.
"$CLIENTS/createdb" soak
as_user env PGHOST="$PGHOST" PGPORT="$PGPORT" PGUSER="$PGUSER" PGDATABASE=soak PSQL="$CLIENTS/psql" PGBENCH="$BINDIR/pgbench" \
	perl "$WORK/src/test/bench/soak/soak.pl" "${SOAK_SECONDS:-600}"
