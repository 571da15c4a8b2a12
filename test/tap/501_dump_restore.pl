# pg_dump carries a store whole: it is made of ordinary tables, and the extension is only
# named.  Plain and custom format, whole database and single schema.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql('source', q{
	CREATE EXTENSION agentmem CASCADE;
	SELECT agentmem.create_store('plain', dimensions => 3);
	SELECT agentmem.create_store('parts', dimensions => 3, partitions => 2);
	SELECT agentmem.remember(s, 'n' || i % 3, 'memory number ' || i, k, format('[1,%s,0]', i)::agentmem.vector, tags => '{t}', subject => 'S' || i, key => 'k' || i)
	FROM unnest('{plain,parts}'::name[]) s, unnest('{fact,episode}'::text[]) WITH ORDINALITY AS v(k, o), generate_series(o * 100, o * 100 + 20) i;
	SELECT agentmem.remember('plain', 'n0', 'memory number 102', 'fact', subject => 's102');
	UPDATE plain.kind SET half_life = '7 days' WHERE name = 'fact';
	SELECT agentmem.add_kind('plain', 'ticket', 'working', 'A ticket', '{"number": {"type": "int", "required": true}, "labels": "text[]"}');
	INSERT INTO plain.kind_ticket (namespace, content, number, labels) VALUES ('n0', 'a broken lamp', 7, '{a,b}');
	UPDATE plain.memory SET title = 'changed' WHERE id % 2 = 0;
	UPDATE parts.memory SET title = 'changed' WHERE id % 2 = 0;
	DELETE FROM parts.memory WHERE id % 5 = 0;
});

my $ask = q{
	SELECT s, n, r.id, r.score, r.content, r.channels, r.confidence
	FROM unnest('{plain,parts}'::name[]) s, unnest('{n0,n1,n2}'::text[]) n,
	     LATERAL agentmem.recall(s, n, 'number 102', '[1,102,0]', k => 5) r
	ORDER BY 1, 2, score DESC, id;
	SELECT s, n, h.* FROM unnest('{plain,parts}'::name[]) s, unnest('{n0,n1,n2}'::text[]) n, generate_series(1, 100) i, LATERAL agentmem.history(s, n, i) h
	ORDER BY 1, 2, i, h.system_period;
	SELECT * FROM plain.setting ORDER BY 1;
	SELECT * FROM plain.kind ORDER BY 1;
	SELECT * FROM plain.kind_attribute ORDER BY 1, 2;
	SELECT * FROM plain.kind_ticket;
	SELECT * FROM plain.activity ORDER BY 1, 2;
	SELECT obj_description('plain.memory'::regclass), col_description('plain.memory'::regclass, 1);
};
my $answer = $node->safe_psql('source', $ask);
my $dir = $node->basedir;

for my $format ('plain', 'custom')
{
	my $file = "$dir/dump.$format";
	$node->command_ok([ 'pg_dump', '-d', $node->connstr('source'), '-F', $format, '-f', $file ], "$format dump");
	$node->safe_psql('postgres', "CREATE DATABASE target_$format");
	if ($format eq 'plain')
	{
		$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr("target_$format"), '-f', $file ], 'plain restore');
	}
	else
	{
		$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr("target_$format"), $file ], 'custom restore');
	}
	is($node->safe_psql("target_$format", $ask), $answer, "$format: the same answers");
	is($node->safe_psql("target_$format", q{SELECT action FROM agentmem.remember('plain', 'n0', 'MEMORY number 102', 'fact', subject => 'S102')}),
		'reinforced', "$format: a statement is recognised");
	cmp_ok($node->safe_psql("target_$format", q{SELECT id FROM agentmem.remember('plain', 'n0', 'something new')}), '>', 42, "$format: ids go on");
	is($node->safe_psql("target_$format", q{INSERT INTO plain.kind_ticket (namespace, content, number) VALUES ('n0', 'another', 8) RETURNING number}),
		'8', "$format: the view of a kind is written");
}

# One store alone, into a database that has the extension.
$node->command_ok([ 'pg_dump', '-d', $node->connstr('source'), '-n', 'plain', '-f', "$dir/one.sql" ], 'one schema dumped');
$node->safe_psql('postgres', 'CREATE DATABASE target_one');
$node->safe_psql('target_one', 'CREATE EXTENSION agentmem CASCADE');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('target_one'), '-f', "$dir/one.sql" ], 'and restored');
is($node->safe_psql('target_one', q{SELECT string_agg(store, ',') FROM agentmem.stores}), 'plain', 'the store is there');

# The extension goes only with what uses it, and says so.
my ($ret, $stdout, $stderr) = $node->psql('target_one', 'DROP EXTENSION agentmem');
isnt($ret, 0, 'DROP EXTENSION is refused while a store needs it');
like($stderr, qr/depends on type agentmem\.vector/, 'naming what needs it');

$node->stop;
done_testing();
