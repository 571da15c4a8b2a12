# A search of many wide rows of which nothing is in memory, neither in shared buffers nor in the system's cache, is cancelled within 100 ms.
# --full: 1,000,000 x 1,536, 6 GB of table and 2 GB of index.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Cancels;
use Test::More;

my ($rows, $dim, $parts) = $ENV{AGENTMEM_FULL} ? (1_000_000, 1536, 1200) : (20_000, 1536, 150);
my $attempts = $ENV{AGENTMEM_FULL} ? 7 : 3;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_buffers = 16MB\nmax_wal_size = 8GB\nwal_level = minimal\nmax_wal_senders = 0\nautovacuum = off\nfsync = off\njit = off\nmaintenance_work_mem = 512MB");
$node->start;
# Sums of two out of some hundred vectors are as many different ones as are wanted, and soon made.
$node->safe_psql('postgres', qq{
	CREATE EXTENSION agentmem;
	CREATE TABLE part AS SELECT i, (SELECT array_agg(sin(i * 12.9898 + j * 78.233 + (i % 7) * j) + 0.3 * sin(i * j * 0.37)) FROM generate_series(1, $dim) j)::real[]::agentmem.vector AS v FROM generate_series(0, $parts - 1) i;
	BEGIN;
	CREATE TABLE docs (id int, v agentmem.vector($dim));
	ALTER TABLE docs ALTER v SET STORAGE plain;
	INSERT INTO docs SELECT n, agentmem.vector_add(a.v, b.v) FROM generate_series(1, $rows) n
		JOIN part a ON a.i = n % $parts JOIN part b ON b.i = n / $parts % $parts;
	COMMIT;
	VACUUM (FREEZE, ANALYZE) docs;
	CREATE INDEX docs_idx ON docs USING ivfbq (v agentmem.vector_l2_ops);
	CHECKPOINT});
is($node->safe_psql('postgres', 'SELECT count(*) FROM docs'), $rows, 'the table is there');

my @files = map { glob($node->data_dir . "/$_*") } split /\n/, $node->safe_psql('postgres', q{SELECT pg_relation_filepath(c) FROM unnest('{docs,docs_idx}'::regclass[]) c});
sub cool { for my $file (@files) { system('dd', "if=$file", 'iflag=nocache', 'count=0', 'status=none') == 0 or die 'dd' } return }

my $cancels = Cancels->new($node, $attempts);
$cancels->session->query('SET enable_seqscan = off');
my $query = '(SELECT v FROM part WHERE i = 7)';
# Each takes minutes with --full; it is cancelled in its first 15 s.
for my $scan (
	['the nearest of many', "SELECT count(*) FROM part p, LATERAL (SELECT id FROM docs ORDER BY v OPERATOR(agentmem.<->) p.v LIMIT 100) x"],
	['exact, of many', "SELECT count(*) FROM part p, LATERAL (SELECT id FROM docs ORDER BY v OPERATOR(agentmem.<->) p.v LIMIT 10) x"],
	['all, the nearest first', "SELECT count(*) FROM (SELECT FROM docs ORDER BY v OPERATOR(agentmem.<->) $query LIMIT $rows) x"],
	['a range of the whole', "SELECT count(*) FROM docs WHERE v OPERATOR(agentmem.<<->>) agentmem.sphere($query, 1e9)"],
)
{
	my ($name, $statement) = @$scan;
	my $length = 15_000;
	$cancels->session->query('SET agentmem.ivfbq_exact = ' . ($name =~ /exact/ ? 'on' : 'off'));
	if (!$ENV{AGENTMEM_FULL})
	{
		cool();
		($length) = $cancels->watch($name, $statement) =~ /"running": ([\d.]+)/;
	}
	$cancels->cancel($name, $statement, where => 'running', length => $length, before => \&cool);
}
$cancels->session->quit;
$node->stop;
done_testing();
