# agentmem.versioning beside the system versioning of the extension `periods`, in the same transactions: the same
# rows, versions and answers as of any instant.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;
plan skip_all => 'the server has no extension periods'
  unless $node->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'periods'});

# The same two tables, one with a column that is no version; `now` has the rows, `was` their versions.
$node->safe_psql('postgres', q{
	CREATE EXTENSION agentmem CASCADE;
	CREATE EXTENSION periods CASCADE;
	CREATE TABLE peer_now (id int PRIMARY KEY, a text, b int, seen int DEFAULT 0);
	SELECT periods.add_system_time_period('peer_now', 'since', 'until', excluded_column_names => '{seen}');
	SELECT periods.add_system_versioning('peer_now', history_table_name => 'peer_was');
	CREATE TABLE our_now (id int PRIMARY KEY, a text, b int, seen int DEFAULT 0, p tstzrange NOT NULL);
	CREATE TABLE our_was (LIKE our_now);
	CREATE TRIGGER versioning BEFORE INSERT OR UPDATE OR DELETE ON our_now FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p', 'our_was', 'seen');
	CREATE TABLE instant (at timestamptz);
});

# One change, %s the table that it is made of.
sub change
{
	my $id = 1 + int rand 12;
	my $value = int rand 4;
	return (
		"INSERT INTO %s (id, a, b) VALUES ($id, 'made', $value) ON CONFLICT DO NOTHING",
		"INSERT INTO %s (id, a, b) VALUES ($id, 'made', $value) ON CONFLICT (id) DO UPDATE SET b = excluded.b",
		"UPDATE %s SET b = $value WHERE id = $id",
		"UPDATE %s SET b = b, a = a WHERE id % 3 = $id % 3",
		"UPDATE %s SET a = NULLIF(a || '$value', 'made3'), seen = seen + 1 WHERE id % 4 = $value",
		"UPDATE %s SET seen = seen + 1 WHERE id = $id",
		"UPDATE %s SET id = id + 100 WHERE id = $id AND NOT EXISTS (SELECT FROM %s o WHERE o.id = $id + 100)",
		"DELETE FROM %s WHERE id = $id OR id = $id + 100",
		"WITH gone AS (DELETE FROM %s WHERE id = $id RETURNING b) INSERT INTO %s (id, a, b) SELECT $id + 50, 'moved', b FROM gone ON CONFLICT DO NOTHING"
	)[ int rand 9 ];
}

# Both tables, in one transaction, some of it taken back.
sub transaction
{
	my @said = ('BEGIN;');
	for my $i (1 .. 1 + int rand 4)
	{
		my $sql = change();
		my $back = rand() < 0.15;
		push @said, 'SAVEPOINT s;' if $back;
		push @said, map { (my $of = $sql) =~ s/%s/$_/g; "$of;" } qw(peer_now our_now);
		push @said, 'ROLLBACK TO s;' if $back;
	}
	push @said, rand() < 0.1 ? 'ROLLBACK;' : 'COMMIT;', rand() < 0.2 ? 'INSERT INTO instant VALUES (clock_timestamp());' : ();
	return join "\n", @said;
}

srand 20;
$node->safe_psql('postgres', join "\n", map { transaction() } 1 .. 600);

# Both ways: what one has and the other has not.
sub differing
{
	my ($peer, $ours) = @_;
	return $node->safe_psql('postgres', "SELECT count(*) FROM (($peer EXCEPT ALL $ours) UNION ALL ($ours EXCEPT ALL $peer)) d");
}

my $columns = 'id, a, b, seen';
is(differing("SELECT $columns, since FROM peer_now", "SELECT $columns, lower(p) FROM our_now"), 0, 'the same rows, each since the same time');
is(differing("SELECT $columns, since, until FROM peer_was", "SELECT $columns, lower(p), upper(p) FROM our_was"), 0, 'the same versions, each from and until the same time');
is(differing("SELECT at, r.id, r.a, r.b, r.since FROM instant, peer_now__as_of(at) r",
		"SELECT at, id, a, b, lower(p) FROM instant, (TABLE our_now UNION ALL TABLE our_was) v WHERE p @> at"), 0, 'the same rows as of every instant');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM our_was'), '>', 300, '... of several hundred versions');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM instant'), '>', 60, '... and some instants');

$node->stop;
done_testing();
