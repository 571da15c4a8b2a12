# A standby while the primary inserts, deletes, vacuums, moves and recycles: its answers are those of its own snapshot, or it says that recovery came in
# between; a slow cursor is either right or cancelled; and every page is replayed as it was written.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nwal_consistency_checking = 'generic'\nhot_standby_feedback = off\nmax_standby_streaming_delay = 300ms");
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION agentmem CASCADE;
	CREATE FUNCTION some_vector(i int, d int) RETURNS agentmem.vector LANGUAGE sql IMMUTABLE AS
		$$SELECT array_agg(sin(i * 12.9898 + j * 78.233) + (i % 9) * cos(j))::real[]::agentmem.vector FROM generate_series(1, d) j$$;
	CREATE TABLE docs (id serial, tenant int, embedding agentmem.vector(12));
	CREATE INDEX docs_idx ON docs USING ivfbq (tenant, embedding agentmem.vector_l2_ops) WITH (flat_limit = 200, list_size = 50);
	INSERT INTO docs (tenant, embedding) SELECT CASE WHEN i % 2 = 0 THEN 1 ELSE i % 30 END, CASE WHEN i % 50 > 0 THEN some_vector(i, 12) END FROM generate_series(1, 2000) i;
	-- The same snapshot, by the index with a pause after the first row, and without it.
	CREATE FUNCTION compare(wanted int, seed int, pause float8, exact boolean) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		query text := format('SELECT id, embedding OPERATOR(agentmem.<->) some_vector(%s, 12) AS distance FROM docs WHERE tenant = %s ORDER BY embedding OPERATOR(agentmem.<->) some_vector(%1$s, 12)', seed, wanted);
		rows refcursor;
		one record;
		by_index text[];
		by_scan text[];
		last float8 := -1;
	BEGIN
		PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true), set_config('agentmem.ivfbq_exact', exact::text, true);
		OPEN rows FOR EXECUTE query;
		FETCH rows INTO one;
		WHILE FOUND LOOP
			IF by_index IS NULL THEN
				PERFORM pg_sleep(pause);
			END IF;
			by_index := by_index || (one.id || ' ' || one.distance);
			IF exact AND one.distance < last THEN
				RAISE EXCEPTION 'not in order: % after %', one.distance, last;
			END IF;
			last := one.distance;
			FETCH rows INTO one;
		END LOOP;
		CLOSE rows;
		PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'on', true);
		EXECUTE format('SELECT array_agg(id || '' '' || distance) FROM (%s) q', query) INTO by_scan;
		IF (SELECT array_agg(x ORDER BY x) FROM unnest(by_index) x) IS DISTINCT FROM (SELECT array_agg(x ORDER BY x) FROM unnest(by_scan) x) THEN
			RAISE EXCEPTION 'tenant %: % rows by the index, % by a scan, missing %, too many %', wanted, cardinality(by_index), cardinality(by_scan),
				(SELECT array_agg(x) FROM (SELECT unnest(by_scan) x EXCEPT ALL SELECT unnest(by_index)) q), (SELECT array_agg(x) FROM (SELECT unnest(by_index) x EXCEPT ALL SELECT unnest(by_scan)) q);
		END IF;
		PERFORM set_config('enable_indexscan', 'on', true);
	END $$;
});
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

my $seconds = $ENV{AGENTMEM_FULL} ? 90 : 15;
my %scripts = (
	insert => q{
		\set n random(1, 1000000)
		\set t random(1, 60)
		INSERT INTO docs (tenant, embedding) SELECT CASE WHEN :t < 20 THEN 1 WHEN :t < 50 THEN :t ELSE :n + i END, CASE WHEN i % 7 > 0 THEN some_vector(i, 12) END
			FROM generate_series(:n, :n + :t) i;
		\sleep 10 ms
	},
	delete => q{
		\set n random(0, 9)
		DELETE FROM docs WHERE tenant % 10 = :n AND random() < 0.3;
		DELETE FROM docs WHERE tenant = 1 AND random() < 0.05;
		\sleep 100 ms
	},
	vacuum => q{
		VACUUM (INDEX_CLEANUP ON) docs;
		\sleep 20 ms
	},
);
my $dir = PostgreSQL::Test::Utils::tempdir;
my %running;
for my $name (sort keys %scripts)
{
	append_to_file("$dir/$name.sql", $scripts{$name});
	my ($out, $err) = ('', '');
	$running{$name} = {out => \$out, err => \$err};
	$running{$name}{process} = IPC::Run::start(
		['pgbench', '-n', '-T', $seconds, '-c', 1, '-f', "$dir/$name.sql", '-h', $primary->host, '-p', $primary->port, 'postgres'],
		'>', \$out, '2>', \$err);
}

# Quick and slow by turns.
my ($right, $cancelled, @wrong) = (0, 0);
my $end = time + $seconds;
for (my $n = 1; time < $end; $n++)
{
	my ($out, $err);
	my $pause = $n % 5 == 0 ? 1.0 : $n % 2 == 0 ? 0.1 : 0;
	my $exact = $n % 3 == 0 ? 'true' : 'false';
	my $tenant = $n % 4 == 0 ? $n % 30 : 1;
	$standby->psql('postgres', "\\set VERBOSITY verbose\nBEGIN ISOLATION LEVEL REPEATABLE READ; SELECT compare($tenant, $n, $pause, $exact)",
		stdout => \$out, stderr => \$err, on_error_stop => 0);
	if ($err =~ /(ERROR|FATAL):  40|conflict with recovery/) { $cancelled++; }
	elsif ($err =~ /ERROR|FATAL|server closed/) { push @wrong, $err; }
	else { $right++; }
}
is(scalar(@wrong), 0, 'no wrong answer on the standby') or diag($wrong[0]);
cmp_ok($right, '>', 0, "right answers: $right; cancelled: $cancelled");
for my $name (sort keys %running)
{
	$running{$name}{process}->finish;
	is(${$running{$name}{err}} =~ /error|FATAL|aborted/i ? ${$running{$name}{err}} : '', '', "$name: no errors");
	like(${$running{$name}{out}}, qr/number of transactions actually processed: [1-9]/, "$name: did something");
}
cmp_ok($primary->safe_psql('postgres', q{SELECT moves FROM agentmem.index_stats('docs_idx')}), '>', 20, 'rows were moved meanwhile');

$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
for my $ask (
	q{SELECT agentmem.index_check('docs_idx', true)},
	q{SET enable_seqscan = off; SELECT array_agg(id) FROM (SELECT id FROM docs WHERE tenant = 1 ORDER BY embedding OPERATOR(agentmem.<->) some_vector(77, 12) LIMIT 50) q},
	q{SET enable_seqscan = off; SELECT array_agg(id) FROM (SELECT id FROM docs WHERE tenant = 22 ORDER BY embedding OPERATOR(agentmem.<->) some_vector(78, 12) LIMIT 50) q})
{
	is($standby->safe_psql('postgres', $ask), $primary->safe_psql('postgres', $ask), 'the same on both: ' . substr($ask, -60));
}
unlike(slurp_file($standby->logfile), qr/inconsistent page|PANIC|TRAP/, 'replay made the same pages');

$standby->stop;
$primary->stop;
done_testing();
