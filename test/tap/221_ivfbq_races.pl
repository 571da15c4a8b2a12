# What happens between two steps of an insert, a scan or a move, held there one after the other (src/ivfbq/README.md, invariants
# 4, 5, 7 and 14): no row is lost, none comes twice.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Points qw(points_library use_points hold_at waits release);
use Test::More;

my $library = points_library();
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\njit = off");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION agentmem;
	CREATE FUNCTION some_vector(i int, d int) RETURNS agentmem.vector LANGUAGE sql IMMUTABLE AS
		$$SELECT array_agg(sin(i * 12.9898 + j * 78.233) + (i % 9) * cos(j))::real[]::agentmem.vector FROM generate_series(1, d) j$$;
	CREATE TABLE docs (id serial, tenant int, embedding agentmem.vector(12));
	CREATE INDEX docs_idx ON docs USING ivfbq (tenant, embedding agentmem.vector_l2_ops) WITH (flat_limit = 200, list_size = 50)});
use_points($node, $library);

my %session = map { $_ => $node->background_psql('postgres', on_error_stop => 0) } qw(holder insert vacuum scan);
my $by_index = 'SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off';
$session{scan}->query_safe($by_index);

# Sends a statement and does not wait for its end.
sub start
{
	my ($name, $statement) = @_;
	$session{$name}{stdin} .= "$statement;\n";
	$session{$name}{run}->pump_nb();
	return;
}

sub insert
{
	my ($tenant, $rows) = @_;
	$node->safe_psql('postgres', "INSERT INTO docs (tenant, embedding) SELECT $tenant, some_vector(i, 12) FROM generate_series(1, $rows) i");
	return;
}

sub index_stat
{
	my ($name) = @_;
	return $node->safe_psql('postgres', "SELECT $name FROM agentmem.index_stats('docs_idx')");
}

# What a search finds of a tenant, and how many different ones.
sub found
{
	my ($tenant) = @_;
	return "SELECT count(*) || ' ' || count(DISTINCT id) FROM (SELECT id FROM docs WHERE tenant = $tenant ORDER BY embedding OPERATOR(agentmem.<->) some_vector(1, 12) LIMIT 100000) x";
}

sub is_whole
{
	my ($tenant, $rows, $when) = @_;
	is($node->safe_psql('postgres', "$by_index; " . found($tenant)), "$rows $rows", "$when: a search finds each row once");
	is($node->safe_psql('postgres', "SELECT agentmem.index_check('docs_idx', true) = (SELECT count(*) FROM docs)"), 't', "$when: the index is sound");
	return;
}

sub hold { $session{holder}->query_safe("SELECT pg_advisory_lock($_)") for 1, 2; return }

# A flat list: an insert has read which page has room; meanwhile the rows of the list go elsewhere, that page is sealed, copied.
sub insert_and_move
{
	my ($tenant, $point, $name, $before, $more) = @_;
	insert($tenant, $before);
	$node->safe_psql('postgres', 'VACUUM docs') for 1 .. 3;
	insert($tenant, $more);
	hold();
	hold_at($session{insert}, $point, 1);
	start('insert', "INSERT INTO docs (tenant, embedding) VALUES ($tenant, some_vector(777, 12))");
	ok(waits($node, 1), "$name: the insert knows its page");
	my $switches = index_stat('moves');
	hold_at($session{vacuum}, 'ivfbq switch', 2);
	start('vacuum', 'VACUUM docs');
	ok(waits($node, 2), "$name: its rows are copied");
	is(index_stat('moves'), $switches, "$name: before the switch");
	release($session{holder}, 1);
	is($session{insert}->query('SELECT 1'), 1, "$name: the insert is through");
	release($session{holder}, 2);
	is($session{vacuum}->query('SELECT 1'), 1, "$name: the switch is done");
	is_whole($tenant, $before + $more + 1, $name);
	return;
}

insert_and_move(1, 'ivfbq put', 'a flat list that becomes clusters (4)', 180, 100);
insert_and_move(2, 'ivfbq put, list', 'clusters that are made anew (14)', 400, 400);

# A scan has read the head of a node's list; the rows go to the list of their key; then it comes to the key.
insert(3, 200);
hold();
hold_at($session{scan}, 'ivfbq sources', 1);
start('scan', found(3));
ok(waits($node, 1), 'a scan knows where the rows of the node are');
my $switches = index_stat('moves');
$node->safe_psql('postgres', 'VACUUM docs');
cmp_ok(index_stat('moves'), '>', $switches, 'they are moved');
release($session{holder}, 1);
like($session{scan}->query('SELECT 1'), qr/^200 200\n/, 'the scan finds each row once');
is_whole(3, 200, 'after it');

# A scan that has its lists goes on with them, whatever becomes of them.
insert(4, 250);
$session{scan}->query_safe("SET agentmem_test.point = ''; BEGIN; DECLARE c CURSOR FOR SELECT id FROM docs WHERE tenant = 4 ORDER BY embedding OPERATOR(agentmem.<->) some_vector(1, 12); FETCH 1 FROM c");
$switches = index_stat('moves');
$node->safe_psql('postgres', 'DELETE FROM docs WHERE tenant = 4 AND id % 2 = 0');
$node->safe_psql('postgres', 'VACUUM docs') for 1 .. 3;
insert(5, 300);
cmp_ok(index_stat('moves'), '>', $switches, 'its rows were moved and its pages retired');
my @rest = split /\n/, $session{scan}->query_safe('FETCH ALL FROM c');
is(scalar(@rest), 249, 'an old cursor finds the rows that it would have found');
$session{scan}->query_safe('COMMIT');
$node->safe_psql('postgres', 'VACUUM docs');
is_whole($_, $node->safe_psql('postgres', "SELECT count(*) FROM docs WHERE tenant = $_"), "at the end, tenant $_") for 1 .. 5;

$_->quit for values %session;
$node->stop;
done_testing();
