# A cancel is noticed within 100 ms wherever a build, a scan, an insert or a VACUUM is, and leaves index and table sound.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Cancels;
use Test::More;

my $attempts = $ENV{AGENTMEM_FULL} ? 5 : 3;
my ($rows, $dim, $list_size) = $ENV{AGENTMEM_FULL} ? (100_000, 1536, 1000) : (12_000, 768, 100);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# Buffers for a part of the table and index alone, so that scans read; runs of sorts that do not fit.
$node->append_conf('postgresql.conf', "shared_buffers = 16MB\nwal_level = replica\nmax_wal_size = 8GB\nautovacuum = off\nfsync = off\njit = off\nmaintenance_work_mem = 256MB\nmax_parallel_maintenance_workers = 0");
$node->start;
# Sums of two out of some hundred vectors are as many different ones as are wanted, and soon made.
$node->safe_psql('postgres', qq{
	CREATE EXTENSION agentmem CASCADE;
	CREATE TABLE part AS SELECT i, (SELECT array_agg(sin(i * 12.9898 + j * 78.233 + (i % 7) * j) + 0.3 * sin(i * j * 0.37)) FROM generate_series(1, $dim) j)::real[]::agentmem.vector AS v FROM generate_series(0, 149) i;
	CREATE TABLE docs (id int, tenant int, v agentmem.vector($dim));
	ALTER TABLE docs ALTER v SET STORAGE plain;
	INSERT INTO docs SELECT n, n % 2, agentmem.vector_add(a.v, b.v) FROM generate_series(1, $rows) n
		JOIN part a ON a.i = n % 150 JOIN part b ON b.i = n / 150 % 150;
	-- Many rows of few bytes, for sorts.
	CREATE TABLE keys AS SELECT n AS id, n * 7919 % 100003 AS tenant, agentmem.subvector(v, n % 700 + 1, 8) AS v FROM generate_series(1, 10 * $rows) n JOIN part ON i = n % 150;
	VACUUM ANALYZE docs, keys;
});
my $count = $node->safe_psql('postgres', 'SELECT count(*) FROM docs');
is($count, $rows, 'the table is there');

my $cancels = Cancels->new($node, $attempts);
my $session = $cancels->session;

sub sound
{
	my ($table, $when) = @_;
	is($node->safe_psql('postgres', "SELECT agentmem.index_check('${table}_idx', true) = (SELECT count(*) FROM $table)"), 't', "$when: the index is sound");
	return;
}

my $clustered = "(v agentmem.vector_l2_ops) WITH (flat_limit = 1000, list_size = $list_size)";
for my $build (
	['docs', $clustered, 'loading', 'finding', 'assigning', 'writing pages', 'calibrating', 'writing WAL'],
	['keys', '(tenant, v agentmem.vector_l2_ops)', 'loading', 'sorting', 'writing pages'])
{
	my ($table, $definition, @phases) = @$build;
	my $statement = "CREATE INDEX ${table}_idx ON $table USING ivfbq $definition";
	my $lengths = $cancels->watch($table, $statement);
	sound($table, "$table, built");
	$session->query("DROP INDEX ${table}_idx");
	for my $phase (@phases)
	{
		my ($length) = $lengths =~ /"[^"]*$phase[^"]*": ([\d.]+)/;
		$cancels->cancel("$table, $phase", $statement, where => $phase, length => $length // 1, undo => "DROP INDEX IF EXISTS ${table}_idx");
	}
	is($node->safe_psql('postgres', "SELECT count(*) FROM pg_class WHERE relname = '${table}_idx'"), '0', "$table: no index is left of them");
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM docs'), $rows, 'the table has its rows');

# With workers, that have to hear of it and to go.
$cancels->cancel('workers', "SET max_parallel_maintenance_workers = 2; SET min_parallel_table_scan_size = 0; CREATE INDEX docs_idx ON docs USING ivfbq $clustered", where => 'loading', length => 300, undo => 'DROP INDEX IF EXISTS docs_idx; RESET max_parallel_maintenance_workers');

# What the index is used for.
$node->safe_psql('postgres', "CREATE INDEX docs_idx ON docs USING ivfbq $clustered");
$session->query('SET enable_seqscan = off');
my $query = '(SELECT v FROM part WHERE i = 7)';
for my $scan (
	['all rows', "SELECT count(*) FROM (SELECT FROM docs ORDER BY v OPERATOR(agentmem.<->) $query LIMIT $rows) x"],
	['a range', "SELECT count(*) FROM docs WHERE v OPERATOR(agentmem.<<->>) agentmem.sphere($query, 1e9)"],
	['index_check', "SELECT agentmem.index_check('docs_idx', true)"],
	['index_recall', "SELECT agentmem.index_recall('docs_idx', 20, 50)"],
	['inserts', "INSERT INTO docs SELECT id, tenant, v FROM docs LIMIT 6000"],
	['VACUUM', "UPDATE docs SET v = agentmem.l2_normalize(v) WHERE id % 3 = 0; VACUUM (INDEX_CLEANUP ON) docs", 'VACUUM: '],
)
{
	my ($name, $statement, $phase) = @$scan;
	# What the ones before have left is not part of it.
	$session->query('VACUUM (INDEX_CLEANUP ON) docs') if $name eq 'VACUUM';
	my $lengths = $cancels->watch($name, $statement);
	$phase //= 'running';
	my $length = 0;
	$length += $_ for $lengths =~ /"$phase[^"]*": ([\d.]+)/g;
	$cancels->cancel($name, $statement, where => $phase, length => $length);
}
# Rows that were put in and rolled back are in it until VACUUM.
$session->query('VACUUM (INDEX_CLEANUP ON) docs');
sound('docs', 'at the end');
is($node->safe_psql('postgres', "SELECT count(*) FROM (SELECT FROM docs ORDER BY v OPERATOR(agentmem.<->) $query LIMIT 10) x"), '10', 'and it answers');
$session->quit;
$node->stop;
done_testing();
