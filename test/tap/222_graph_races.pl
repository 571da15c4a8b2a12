# A walk knows the pages that it is about to read, and waits; meanwhile they are split, emptied, deleted, and their rows removed
# (src/base/README.md, "Reading an index directly", 5 to 9). It returns what it would have returned before, whatever the length of the namespace.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Points qw(points_library use_points hold_at waits release);
use Test::More;

my $library = points_library();
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\njit = off\nmax_stack_depth = 2MB");
$node->start;
# Without triggers and checks of memories, which are not what is tested; every fifth edge is dead before anybody looks, and a stretch of
# ids has none but dead ones, so that VACUUM empties whole pages.
$node->safe_psql('postgres', q{
	CREATE EXTENSION agentmem;
	SELECT agentmem.create_store('w');
	ALTER TABLE w.memory DISABLE TRIGGER USER;
	ALTER TABLE w.edge DISABLE TRIGGER USER;
	CREATE PROCEDURE fill(ns text) LANGUAGE sql AS $$
		INSERT INTO w.memory (namespace, id, kind, content, valid_period, language, content_hash, tokens, lexemes)
			SELECT ns, i * 10, 'fact', 'memory ' || i, '[2020-01-01,)', 'english', gen_random_uuid(), 2, '' FROM generate_series(1, 2000) i;
		INSERT INTO w.edge (namespace, source, target, type, weight)
			SELECT ns, i * 10, i % 1999 * 10 + 10, 'next', 1 FROM generate_series(1, 2000) i WHERE i % 1999 + 1 <> i
			UNION ALL SELECT ns, i * 10, (i * 7919) % 1999 * 10 + 10, 'similar', ((i % 4) + 1) / 4.0 FROM generate_series(1, 2000) i WHERE (i * 7919) % 1999 + 1 <> i
			UNION ALL SELECT ns, i * 10, 70, 'about_concept', 0.5 FROM generate_series(100, 500) i;
		DELETE FROM w.edge WHERE namespace = ns AND (source % 50 = 0 OR source BETWEEN 6000 AND 9000 OR target BETWEEN 6000 AND 9000);
		DELETE FROM w.memory WHERE namespace = ns AND id % 170 = 0;
	$$;
	-- What comes while a walk waits: edges and memories between those that were there, enough to split every page, changes and deletions.
	CREATE PROCEDURE disturb(ns text) LANGUAGE sql AS $$
		INSERT INTO w.memory (namespace, id, kind, content, valid_period, language, content_hash, tokens, lexemes)
			SELECT ns, i, 'fact', 'memory ' || i, '[2020-01-01,)', 'english', gen_random_uuid(), 2, '' FROM generate_series(1, 20000) i WHERE i % 10 IN (3, 6);
		INSERT INTO w.edge (namespace, source, target, type, weight)
			SELECT ns, i, (i * 31) % 20000 + 1, 'similar', 1 FROM generate_series(1, 20000) i WHERE (i * 31) % 20000 + 1 <> i;
		DELETE FROM w.edge WHERE namespace = ns AND source % 20 = 0;
		DELETE FROM w.memory WHERE namespace = ns AND id % 30 = 0;
		UPDATE w.edge SET weight = weight / 2 WHERE namespace = ns AND source % 70 = 0;
		UPDATE w.memory SET valid_period = '[2020-01-01,2021-01-01)' WHERE namespace = ns AND id % 70 = 0;
	$$});
use_points($node, $library);

my %session = map { $_ => $node->background_psql('postgres', on_error_stop => 0) } qw(holder walk);

# Seeds all over, in the stretch without edges too.
sub walk
{
	my ($ns) = @_;
	return qq{SELECT md5(string_agg(id || ' ' || score, ',' ORDER BY id)) || ' ' || count(*) FROM agentmem.ppr('w', $ns, (SELECT array_agg(i) FROM generate_series(10, 20000, 130) i), epsilon => 1e-6, k => 10000)};
}

sub start
{
	my ($statement) = @_;
	$session{walk}{stdin} .= "$statement;\n";
	$session{walk}{run}->pump_nb();
	return;
}

# Of one byte, and longer: of those of 100 bytes a page has so few that the tree has more levels.
for my $case (['descend root', "'n'"], ['descend root', "repeat('root', 75)"], ['descend inner', "repeat('inner', 20)"], ['descend inner', "repeat('inner', 60)"],
	['descend leaf', "'leaves'"], ['descend leaf', "repeat('leaves', 20)"], ['direct rows', "'rows'"], ['direct rows', "repeat('rows', 30)"])
{
	my ($point, $ns) = @$case;
	$node->safe_psql('postgres', "CALL fill($ns)");
	my $before = $node->safe_psql('postgres', 'BEGIN ISOLATION LEVEL SERIALIZABLE; ' . walk($ns));
	is($node->safe_psql('postgres', walk($ns)), $before, "$point, $ns: as by statement");
	$session{holder}->query_safe('SELECT pg_advisory_lock(1)');
	hold_at($session{walk}, $point, 1);
	start(walk($ns));
	ok(waits($node, 1), "$point, $ns: the walk has come there");
	$node->safe_psql('postgres', "CALL disturb($ns)");
	$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) w.edge, w.memory');
	$node->safe_psql('postgres', "CALL disturb($ns || 'x')");
	release($session{holder}, 1);
	like($session{walk}->query('SELECT 1'), qr/^\Q$before\E\n/, "$point, $ns: it returns what was there");
	my $after = $node->safe_psql('postgres', walk($ns));
	isnt($after, $before, "$point, $ns: what was done is seen by the next");
	is($after, $node->safe_psql('postgres', 'BEGIN ISOLATION LEVEL SERIALIZABLE; ' . walk($ns)), "$point, $ns: as by statement");
	$node->safe_psql('postgres', 'TRUNCATE w.edge, w.memory');
}
$_->quit for values %session;
$node->stop;
done_testing();
