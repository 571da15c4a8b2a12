# Sixteen clients change the same eight rows of a partitioned table, each in a transaction of its
# own: the versions of a row follow each other without gap or overlap, and there is one for each
# change that is a version, whichever transaction began first.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $calls = $ENV{AGENTMEM_FULL} ? 400 : 60;
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nmax_connections = 50");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION agentmem CASCADE');

# What changed, a row at a time: `versions` of it are versions.  A pause between two statements lets
# others begin later and commit first.
$node->safe_psql('postgres', q{
	CREATE TABLE said (a int, versions int);
	CREATE FUNCTION act(what int, i int) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		IF what % 2 = 0 THEN
			PERFORM pg_sleep(0.001);
		END IF;
		CASE what
			WHEN 1, 2 THEN
				WITH done AS (UPDATE t SET b = gen_random_uuid() WHERE a = i RETURNING a) INSERT INTO said SELECT a, 1 FROM done;
			WHEN 3, 4 THEN
				WITH done AS (UPDATE t SET b = gen_random_uuid(), region = 1 - region WHERE a = i RETURNING a) INSERT INTO said SELECT a, 1 FROM done;
			WHEN 5, 6 THEN
				UPDATE t SET region = 1 - region, n = n + 1 WHERE a = i;
			WHEN 7, 8 THEN
				-- Counted first, which makes the row this transaction's and not its version.
				UPDATE t SET n = n + 1 WHERE a = i;
				WITH done AS (UPDATE t SET b = gen_random_uuid() WHERE a = i RETURNING a) INSERT INTO said SELECT a, 1 FROM done;
			WHEN 9, 10 THEN
				-- Several changes are one version, and what is undone is none.
				UPDATE t SET b = gen_random_uuid(), region = 1 - region WHERE a = i;
				BEGIN
					UPDATE t SET b = gen_random_uuid(), region = 1 - region WHERE a = i;
					RAISE division_by_zero;
				EXCEPTION WHEN division_by_zero THEN
					NULL;
				END;
				WITH done AS (UPDATE t SET b = gen_random_uuid() WHERE a = i RETURNING a) INSERT INTO said SELECT a, 1 FROM done;
		END CASE;
	END $$;
});

my $script = $node->basedir . '/act.pgbench';
append_to_file($script, <<'END');
\set what random(1, 10)
\set i random(1, 8)
SELECT act(:what, :i);
END

for my $isolation ('read committed', 'repeatable read')
{
	$node->safe_psql('postgres', q{
		TRUNCATE said;
		CREATE TABLE t (a int, b uuid, region int, n int, p tstzrange) PARTITION BY LIST (region);
		CREATE TABLE t0 PARTITION OF t FOR VALUES IN (0);
		CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);
		CREATE TABLE t_history (a int, b uuid, p tstzrange, EXCLUDE USING gist (int4range(a, a, '[]') WITH &&, p WITH &&));
		CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p', '', 'region, n');
		INSERT INTO t SELECT i, gen_random_uuid(), i % 2, 0 FROM generate_series(1, 8) i});
	{
		local $ENV{PGOPTIONS} = "-c default_transaction_isolation=" . ($isolation =~ s/ /\\ /r);
		my ($stdout, $stderr) = run_command(
			[ 'pgbench', '-n', '-c', '16', '-j', '2', '-t', $calls, '--max-tries=10000', '-f', $script, $node->connstr('postgres') ]);
		my $all = 16 * $calls;
		like($stdout, qr{actually processed: $all/$all}, "$isolation: nothing but serialization failures") or diag($stderr);
	}
	is($node->safe_psql('postgres', 'SELECT count(*) || $$ $$ || count(DISTINCT a) FROM t'), '8 8', "$isolation: no row lost or doubled");
	is($node->safe_psql('postgres', q{
		SELECT count(*) FROM (SELECT lower(p) AS since, lag(upper(p)) OVER w AS until, row_number() OVER w AS nth
		FROM (SELECT a, p FROM t UNION ALL SELECT a, p FROM t_history) v WINDOW w AS (PARTITION BY a ORDER BY lower(p))) v
		WHERE nth > 1 AND since IS DISTINCT FROM until}),
		'0', "$isolation: each version ends where the next begins");
	is($node->safe_psql('postgres', 'SELECT string_agg(n::text, $$ $$ ORDER BY a) FROM (SELECT a, count(*) AS n FROM t_history GROUP BY a) h'),
		$node->safe_psql('postgres', 'SELECT string_agg(n::text, $$ $$ ORDER BY a) FROM (SELECT a, sum(versions) AS n FROM said GROUP BY a) s'),
		"$isolation: one version for each change that is one");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT b FROM t UNION ALL SELECT b FROM t_history) v GROUP BY b HAVING count(*) > 1'),
		'', "$isolation: no version is there twice");
	# At REPEATABLE READ such a transaction gives up.
	cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM t_history WHERE upper(p) - lower(p) = interval '1 us'}), '>', 0,
		"$isolation: some were ended by a transaction that began before them")
		if $isolation eq 'read committed';
	$node->safe_psql('postgres', 'DROP TABLE t, t_history');
}

$node->stop;
done_testing();
