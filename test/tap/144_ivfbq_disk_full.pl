# No space is left while an index is built, rows are put in and VACUUM is at work: an error of the system, nothing of what
# was committed is lost, and all goes on when there is space again.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# A process may not make a file longer than its limit: an error at a page of our choice, which needs neither root nor a
# file system of its own.  A limit of the postmaster is that of the servers it starts from then on.
my ($ret) = run_command(['prlimit', '--version']);
plan skip_all => 'no prlimit to limit the length of files with' if !defined $ret || $ret !~ /prlimit/;

my $rows = 12_000;
my $rounds = $ENV{AGENTMEM_FULL} ? 120 : 24;
my $no_space = qr/ERROR:.*could not (extend|write|resize)/;

my $node = PostgreSQL::Test::Cluster->new('main');
# Files that are not meant must stay below the limit.
$node->init(extra => ['--wal-segsize=1']);
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nwal_level = replica\nmax_parallel_maintenance_workers = 0\nlog_statement = none\nmax_wal_size = 64MB");
$node->start;
my $postmaster = $node->{_pid};
# Vectors of one bit a dimension: the table is much shorter than its index.
$node->safe_psql('postgres', qq{
	CREATE EXTENSION agentmem CASCADE;
	CREATE FUNCTION some_vector(i int) RETURNS agentmem.vector LANGUAGE sql IMMUTABLE AS
		\$\$SELECT agentmem.quantize(array_agg(sin(i * 12.9898 + j * 78.233 + (i % 11) * j))::real[]::agentmem.vector, 1) FROM generate_series(1, 256) j\$\$;
	CREATE TABLE pool AS SELECT i, some_vector(i) AS v FROM generate_series(0, 999) i;
	CREATE TABLE docs (id serial, tenant int, v agentmem.vector);
	INSERT INTO docs (tenant, v) SELECT CASE WHEN n % 2 = 0 THEN 1 ELSE n % 500 END, v FROM generate_series(1, $rows) n JOIN pool ON i = n % 1000;
	VACUUM ANALYZE docs;
});
my $definition = 'ON docs USING ivfbq (tenant, v agentmem.vector_cosine_ops) WITH (flat_limit = 1000, list_size = 100)';

sub limit
{
	my ($bytes) = @_;
	system_or_bail('prlimit', '--pid', $postmaster, "--fsize=$bytes:");
	return;
}

# With files of so many bytes at most; returns what it says, and fails if that is anything but a lack of space.
sub limited
{
	my ($bytes, $sql) = @_;
	my ($out, $err);
	limit(int($bytes));
	$node->psql('postgres', $sql, stdout => \$out, stderr => \$err, on_error_stop => 1);
	limit('unlimited');
	return $err;
}

my @faults;
my $count = $rows;
sub sound
{
	my ($when) = @_;
	my ($out, $err);
	$node->psql('postgres', "SELECT count(*) FROM docs; SELECT agentmem.index_check('docs_idx', true) >= (SELECT count(*) FROM docs)", stdout => \$out, stderr => \$err);
	push @faults, "$when: $out, not $count, $err" if $out ne "$count\nt";
	return;
}

# Builds, from one whose temporary files are too long already to one that lacks the last pages.
$node->safe_psql('postgres', "CREATE INDEX docs_idx $definition");
my $size = $node->safe_psql('postgres', q{SELECT pg_relation_size('docs_idx')});
sound('the first build');
$node->safe_psql('postgres', 'DROP INDEX docs_idx');
cmp_ok($size, '>', 2 * $node->safe_psql('postgres', q{SELECT pg_relation_size('docs')}), 'the index is what grows');
my $failed = 0;
for my $part (0.55, 0.7, 0.8, 0.9, 0.95, 0.99, 1 - 8192 / $size)
{
	my $err = limited($size * $part, "CREATE INDEX docs_idx $definition");
	$failed += $err =~ $no_space;
	push @faults, "CREATE INDEX in $part of its size: $err" if $err !~ $no_space;
}
cmp_ok($failed, '>', 5, "$failed builds failed");
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_class WHERE relname = 'docs_idx'}), '0', 'no index is left of them');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_ls_tmpdir()}), '0', 'no temporary file is left of them');
$node->safe_psql('postgres', "CREATE INDEX docs_idx $definition");
sound('a build with space again');

# Rows, with some pages more than there are: splits of nodes, new keys, pages of lists.
my $at = $rows;
$failed = 0;
for my $round (1 .. $rounds)
{
	my $batch = 40 + $round % 7 * 60;
	my $err = limited($node->safe_psql('postgres', q{SELECT pg_relation_size('docs_idx')}) + 8192 * ($round % 12),
		"INSERT INTO docs (tenant, v) SELECT CASE WHEN n % 3 = 0 THEN 1 WHEN n % 3 = 1 THEN n ELSE 1000 + $round END, v FROM generate_series($at, $at + $batch - 1) n JOIN pool ON i = n % 1000");
	if ($err =~ $no_space) { $failed++; }
	elsif ($err =~ /ERROR|FATAL|server closed/) { push @faults, "INSERT, round $round: $err"; }
	else { $count += $batch; $at += $batch; }
	sound("INSERT, round $round");
	last if @faults;
}
cmp_ok($failed, '>', $rounds / 4, "$failed of $rounds INSERTs failed");

# VACUUM that has lists to split and to write anew, and rows to take out.
$failed = 0;
for my $round (1 .. $rounds / 3)
{
	$node->safe_psql('postgres', "DELETE FROM docs WHERE id % 7 = $round % 7; INSERT INTO docs (tenant, v) SELECT 1, v FROM generate_series(1, 600) n JOIN pool ON i = (n * 7 + $round) % 1000");
	$count = $node->safe_psql('postgres', 'SELECT count(*) FROM docs');
	my $err = limited($node->safe_psql('postgres', q{SELECT pg_relation_size('docs_idx')}) + 8192 * ($round % 4), 'VACUUM (INDEX_CLEANUP ON) docs');
	if ($err =~ $no_space) { $failed++; }
	elsif ($err =~ /ERROR|FATAL|server closed/) { push @faults, "VACUUM, round $round: $err"; }
	sound("VACUUM, round $round");
	last if @faults;
}
cmp_ok($failed, '>', 0, "$failed VACUUMs failed");
is(scalar(@faults), 0, 'nothing is lost, and no other error') or diag(join "\n", @faults);

# With space again: all is as it should be, and what was in the middle of being made is given back.
is($node->safe_psql('postgres', q{
	VACUUM (INDEX_CLEANUP ON) docs;
	INSERT INTO docs (tenant, v) SELECT 1, v FROM pool;
	SELECT txid_current() > 0;
	VACUUM (INDEX_CLEANUP ON) docs;
	SELECT agentmem.index_check('docs_idx', true) = (SELECT count(*) FROM docs)}), "t\nt", 'it goes on');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP:|terminated by signal/, 'no process of the server crashed');
$node->stop;
done_testing();
