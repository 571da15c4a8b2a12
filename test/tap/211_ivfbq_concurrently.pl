# CREATE INDEX CONCURRENTLY and REINDEX CONCURRENTLY beside inserts, updates, deletes and readers: nobody fails, every row
# that is there is in the index, and the index is sound.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $rounds = $ENV{AGENTMEM_FULL} ? 20 : 3;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nmax_connections = 30\nmin_parallel_table_scan_size = 0\nmaintenance_work_mem = 16MB");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION agentmem CASCADE;
	CREATE FUNCTION some_vector(i int, d int) RETURNS agentmem.vector LANGUAGE sql IMMUTABLE AS
		$$SELECT array_agg(sin(i * 12.9898 + j * 78.233) + (i % 9) * cos(j))::real[]::agentmem.vector FROM generate_series(1, d) j$$;
	CREATE TABLE docs (id serial PRIMARY KEY, tenant int, embedding agentmem.vector(12));
	INSERT INTO docs (tenant, embedding) SELECT CASE WHEN i % 2 = 0 THEN 1 ELSE i % 30 END, CASE WHEN i % 50 > 0 THEN some_vector(i, 12) END FROM generate_series(1, 4000) i;
});

my %indexes = (
	keys_idx => '(tenant, embedding agentmem.vector_l2_ops) WITH (flat_limit = 200, list_size = 50)',
	all_idx => '(embedding agentmem.vector_cosine_ops) WITH (flat_limit = 500, list_size = 100)',
	part_idx => '(embedding agentmem.vector_ip_ops) WHERE tenant > 5',
);
my %scripts = (
	insert => q{
		\set n random(1, 1000000)
		\set t random(1, 60)
		INSERT INTO docs (tenant, embedding) SELECT CASE WHEN :t < 20 THEN 1 WHEN :t < 50 THEN :t ELSE :n END, CASE WHEN i % 7 > 0 THEN some_vector(i, 12) END
			FROM generate_series(:n, :n + 5) i;
	},
	# Slow transactions, which CONCURRENTLY has to wait for, and some that come to nothing.
	abort => q{
		\set n random(1, 1000000)
		BEGIN;
		INSERT INTO docs (tenant, embedding) SELECT 1, some_vector(i, 12) FROM generate_series(:n, :n + 5) i;
		UPDATE docs SET tenant = tenant + 1 WHERE id % 100 = :n % 100;
		\sleep 30 ms
		ROLLBACK;
	},
	update => q{
		\set n random(0, 199)
		UPDATE docs SET embedding = some_vector(id + :n, 12) WHERE id % 200 = :n;
		-- No column of an index but the predicate's and the key's.
		UPDATE docs SET tenant = tenant % 12 + 1 WHERE id % 200 = :n;
	},
	delete => q{
		\set n random(0, 99)
		DELETE FROM docs WHERE id % 100 = :n AND random() < 0.5;
		\sleep 10 ms
	},
	read => q{
		\set n random(1, 1000)
		SET enable_seqscan = off;
		SELECT count(*) FROM (SELECT FROM docs WHERE tenant = 1 ORDER BY embedding OPERATOR(agentmem.<->) some_vector(:n, 12) LIMIT 20) x;
		SELECT count(*) FROM (SELECT FROM docs ORDER BY embedding OPERATOR(agentmem.<=>) some_vector(:n, 12) LIMIT 20) x;
	},
);
my $dir = PostgreSQL::Test::Utils::tempdir;
my %running;
for my $name (sort keys %scripts)
{
	append_to_file("$dir/$name.sql", $scripts{$name});
	my $out = '';
	$running{$name} = {out => \$out, handle => IPC::Run::start(
		['pgbench', '-n', '-T', 600, '-c', 1, '--max-tries=1000', '-f', "$dir/$name.sql", '-h', $node->host, '-p', $node->port, 'postgres'], '>', \$out, '2>', \$out)};
}

# Rows of the table that a search by the index does not find, in one snapshot.
my %missing = (
	keys_idx => 'SELECT count(*) FROM docs d WHERE tenant = 1 AND id NOT IN (SELECT id FROM (SELECT id FROM docs WHERE tenant = 1 ORDER BY embedding OPERATOR(agentmem.<->) some_vector(7, 12) LIMIT 1000000) x)',
	all_idx => 'SELECT count(*) FROM docs d WHERE id NOT IN (SELECT id FROM (SELECT id FROM docs ORDER BY embedding OPERATOR(agentmem.<=>) some_vector(7, 12) LIMIT 1000000) x)',
	part_idx => 'SELECT count(*) FROM docs d WHERE tenant > 5 AND id NOT IN (SELECT id FROM (SELECT id FROM docs WHERE tenant > 5 ORDER BY embedding OPERATOR(agentmem.<#>) some_vector(7, 12) LIMIT 1000000) x)',
);
my @faults;
sub check
{
	my ($index, $when) = @_;
	my ($ret, $out, $err) = $node->psql('postgres', "SELECT agentmem.index_check('$index', true)");
	push @faults, "$when: $err" if $ret != 0;
	($ret, $out, $err) = $node->psql('postgres', "SET agentmem.ivfbq_exact = on; $missing{$index}");
	push @faults, "$when: $out rows are missing $err" if $ret != 0 || $out ne '0';
	return;
}
for my $round (1 .. $rounds)
{
	for my $index (sort keys %indexes)
	{
		for my $statement ("CREATE INDEX CONCURRENTLY $index ON docs USING ivfbq $indexes{$index}", "REINDEX INDEX CONCURRENTLY $index")
		{
			# By itself, and with workers.
			my ($ret, $out, $err) = $node->psql('postgres', 'SET max_parallel_maintenance_workers = ' . ($round % 2 * 2) . "; $statement");
			push @faults, "round $round: $statement: $err" if $ret != 0;
			check($index, "round $round: $statement");
		}
	}
	# One that is cancelled leaves an invalid index, which writers keep and a new try replaces.
	my ($ret, $out, $err) = $node->psql('postgres', "SET statement_timeout = 60; REINDEX INDEX CONCURRENTLY keys_idx");
	check('keys_idx', "round $round: after a cancelled REINDEX") if $ret != 0;
	$node->safe_psql('postgres', "DROP INDEX $_") for grep { $_ } split /\n/, $node->safe_psql('postgres', q{SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'docs'::regclass AND NOT indisvalid});
	# While all of them are there, and writers keep them.
	check($_, "round $round: beside the others") for sort keys %indexes;
	$node->safe_psql('postgres', 'REINDEX TABLE CONCURRENTLY docs; VACUUM (INDEX_CLEANUP ON) docs');
	check($_, "round $round: REINDEX TABLE CONCURRENTLY") for sort keys %indexes;
	$node->safe_psql('postgres', "DROP INDEX CONCURRENTLY $_") for sort keys %indexes;
	$node->safe_psql('postgres', 'DELETE FROM docs WHERE random() < 0.6') if $node->safe_psql('postgres', 'SELECT count(*) FROM docs') > 20000;
	last if @faults;
}
is(scalar(@faults), 0, "$rounds rounds of CONCURRENTLY, and each index has all rows") or diag(join "\n", @faults);

for my $name (sort keys %running)
{
	is($running{$name}{handle}->pumpable ? 'running' : 'ended', 'running', "$name never failed") or diag(${$running{$name}{out}});
	$running{$name}{handle}->signal('TERM');
	$running{$name}{handle}->finish;
	unlike(${$running{$name}{out}}, qr/ERROR|FATAL|aborted/, "$name had no error") or diag(${$running{$name}{out}});
}
# Nobody writes any more: as many entries as rows.
$node->safe_psql('postgres', "CREATE INDEX CONCURRENTLY $_ ON docs USING ivfbq $indexes{$_}") for sort keys %indexes;
$node->safe_psql('postgres', "REINDEX INDEX CONCURRENTLY $_") for sort keys %indexes;
is($node->safe_psql('postgres', "SELECT agentmem.index_check('$_', true) = (SELECT count(*) FROM docs" . ($_ eq 'part_idx' ? ' WHERE tenant > 5' : '') . ')'), 't', "$_ has as many rows as the table") for sort keys %indexes;
unlike(slurp_file($node->logfile), qr/terminated by signal|TRAP:|XX00[012]/, 'no process of the server crashed');
$node->stop;
done_testing();
