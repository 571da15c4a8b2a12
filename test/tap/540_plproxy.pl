# A PL/Proxy router over two servers: calls go where their namespace is; a third server takes its share by export
# and import, and nothing is lost.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $router = PostgreSQL::Test::Cluster->new('router');
$router->init;
$router->append_conf('postgresql.conf', 'fsync = off');
$router->start;
plan skip_all => 'PL/Proxy is not installed in this server'
	if $router->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'plproxy'}) eq '0';

my %shard;
for my $name ('a', 'b', 'c')
{
	$shard{$name} = PostgreSQL::Test::Cluster->new($name);
	$shard{$name}->init;
	$shard{$name}->append_conf('postgresql.conf', 'fsync = off');
	$shard{$name}->start;
	$shard{$name}->safe_psql('postgres', 'CREATE EXTENSION agentmem');
}
sub at { return join(' ', 'dbname=postgres', 'host=' . $shard{ $_[0] }->host, 'port=' . $shard{ $_[0] }->port); }

# More parts than servers, so that a server can be added: a power of two.
my @part = map { $_ % 2 ? 'b' : 'a' } 0 .. 7;
$router->safe_psql('postgres', 'CREATE EXTENSION agentmem; CREATE EXTENSION plproxy; CREATE SERVER mem FOREIGN DATA WRAPPER plproxy OPTIONS ('
	  . join(', ', map { "p$_ '" . at($part[$_]) . "'" } 0 .. 7) . '); CREATE USER MAPPING FOR PUBLIC SERVER mem');
my ($ret, $out, $err) = (0, '', '');
IPC::Run::run([ 'psql', '-X', '-q', '-d', $router->connstr('postgres'), '-v', 'cluster=mem', '-f', 'contrib/plproxy/router.sql' ], '>', \$out, '2>', \$err);
is($err, '', 'the functions of the router are made');
is($router->safe_psql('postgres', q{
	SELECT string_agg(p.proname, ' ' ORDER BY p.proname) FROM pg_proc p
	WHERE p.pronamespace = 'agentmem'::regnamespace AND p.proargnames[1:2] = '{store,namespace}' AND obj_description(p.oid, 'pg_proc') NOT LIKE 'Internal to %'
		AND NOT EXISTS (SELECT FROM pg_proc r WHERE r.pronamespace = 'agentmem_router'::regnamespace AND r.proname = p.proname
			AND pg_get_function_arguments(r.oid) = pg_get_function_arguments(p.oid) AND pg_get_function_result(r.oid) = pg_get_function_result(p.oid))}),
	'lock_memories', 'with the arguments and the result that they have, all but this one');

# An application finds the router's first.
$router->safe_psql('postgres', 'ALTER DATABASE postgres SET search_path = agentmem_router, agentmem, public');
sub ask { return $router->safe_psql('postgres', $_[0]); }
is(ask(q{SELECT count(*) FROM create_store('mem', dimensions => 3)}), '2', 'each server has a store');
ask(q{SELECT add_kind('mem', 'ticket', 'working', 'A ticket', '{"number": "int"}'), set_cache_category('mem', 'talk', 0.5)});
ask(q{SELECT create_store('mem', dimensions => 3, partitions => 0) WHERE false});
for my $query (
	q{SELECT count(r.id) FROM generate_series(1, 40) i, remember('mem', 'u' || i, 'Tea for ' || i || ' in Oslo', 'fact', '[1,0,0]', subject => 'u' || i, predicate => 'drinks') r},
	q{SELECT count(r.id) FROM generate_series(1, 40) i, remember('mem', 'u' || i, 'Coffee for ' || i, 'fact', '[0,1,0]', subject => 'u' || i, predicate => 'drinks') r},
	q{SELECT count(r.id) FROM generate_series(1, 40) i, remember('mem', 'u' || i, 'Password of ' || i, 'secret', attributes => '{"value": "xyz"}') r},
	q{SELECT count(*) / 2 FROM generate_series(1, 40) i, remember_many('mem', 'u' || i, '[{"content": "one"}, {"content": "two", "kind": "ticket", "attributes": {"number": 1}}]', embeddings => '{"[1,1,0]","[0,0,1]"}') r},
	q{SELECT count(cache_put('mem', 'u' || i, 'talk', 'p', '[1,0,0]', 'answer ' || i)) FROM generate_series(1, 40) i},
	q{SELECT count(enqueue_job('mem', 'u' || i, 'extract', ARRAY[(SELECT min(l.id) FROM list('mem', 'u' || i) l)])) FROM generate_series(1, 40) i},
	q{SELECT count(*) FROM generate_series(1, 40) i WHERE (SELECT content FROM recall('mem', 'u' || i, 'coffee', '[0,1,0]', k => 1)) = 'Coffee for ' || i},
	q{SELECT count(*) FROM generate_series(1, 40) i WHERE recall_context('mem', 'u' || i, 'coffee') LIKE '%Coffee for ' || i || '%'},
	q{SELECT count(*) FROM generate_series(1, 40) i WHERE (SELECT response FROM cache_get('mem', 'u' || i, 'talk', '[1,0.1,0]')) = 'answer ' || i},
	q{SELECT count(*) FROM generate_series(1, 40) i, LATERAL (SELECT l.id FROM list('mem', 'u' || i, kinds => '{secret}') l) s WHERE reveal('mem', 'u' || i, s.id) = 'xyz'},
	q{SELECT count(link('mem', 'u' || i, (SELECT min(l.id) FROM list('mem', 'u' || i) l), (SELECT max(l.id) FROM list('mem', 'u' || i) l))) FROM generate_series(1, 40) i},
	q{SELECT count(n.id) FROM generate_series(1, 40) i, neighbors('mem', 'u' || i, ARRAY[(SELECT min(l.id) FROM list('mem', 'u' || i) l)], types => '{similar}') n})
{
	is(ask($query), '40', substr($query, 0, 90));
}
cmp_ok(ask(q{SELECT count(*) FROM generate_series(1, 40) i, maintain('mem', 'u' || i, at => now() + interval '2 days') m}), '>', 0, 'maintenance of each');
is(ask(q{SELECT count(*) FROM claim_jobs('mem', '{extract}', n => 100) c}), '40', 'jobs of both servers are claimed');
is(ask(q{SELECT count(*), count(DISTINCT namespace) FROM namespaces('mem') n}), '40|40', 'namespaces of both');
like(($router->psql('postgres', q{SELECT revise('mem', 'u1', 99999, 'x')}))[2], qr/99999/, 'an error of a server comes through');
is(ask(q{SELECT content FROM recall('mem', 'u7', 'coffee', k => 1)}) . '|' . ask(q{SELECT content FROM list('mem', 'u7', subject => 'u7')}), 'Coffee for 7|Coffee for 7', 'superseded');

my %held = map { $_ => [ split /\n/, $shard{$_}->safe_psql('postgres', 'SELECT DISTINCT namespace FROM mem.memory ORDER BY 1') ] } 'a', 'b';
cmp_ok(scalar @{ $held{$_} }, '>', 10, "server $_ has some") for 'a', 'b';
is(scalar @{ $held{a} } + @{ $held{b} }, 40, 'each namespace is on one');

# What can be asked of a namespace, but for what is said to stay where it was.
my @look = (
	q{SELECT l - 'exported_at' FROM export('mem', '%s', true) l},
	q{SELECT l FROM list('mem', '%s', during => '(,)') l},
	q{SELECT h FROM list('mem', '%s', during => '(,)') l, LATERAL history('mem', '%1$s', l.id) h},
	q{SELECT r.id, r.content FROM recall('mem', '%s', 'tea coffee', '[1,1,0]', during => '(,)') r},
	q{SELECT n FROM neighbors('mem', '%s', ARRAY(SELECT l.id FROM list('mem', '%1$s') l)) n},
	q{SELECT reveal('mem', '%s', l.id) FROM list('mem', '%1$s', kinds => '{secret}') l});
sub whole
{
	my ($namespace) = @_;
	return join("\n", map { ask(sprintf($_, $namespace)) } @look);
}
my %before = map { $_ => whole($_) } map { "u$_" } 1 .. 40;
like($before{u7}, qr/Tea for 7.*Coffee for 7/s, 'with what was true before');

# The third server. Its store is as the others are; parts 6 and 7 are to be its own.
$shard{c}->safe_psql('postgres', q{
	SELECT agentmem.create_store('mem', dimensions => 3), agentmem.add_kind('mem', 'ticket', 'working', 'A ticket', '{"number": "int"}'), agentmem.set_cache_category('mem', 'talk', 0.5)});
my %moving;
for my $part (6, 7)
{
	# Calls for these wait for nobody: they fail, until the part has moved.
	ask("ALTER SERVER mem OPTIONS (SET p$part 'dbname=moving host=" . $shard{c}->host . ' port=' . $shard{c}->port . q{')});
	my $from = $shard{ $part[$part] };
	for my $namespace (split /\n/, $from->safe_psql('postgres', "SELECT DISTINCT namespace FROM mem.namespace WHERE hashtext(namespace) & 7 = $part ORDER BY 1"))
	{
		my $file = $from->basedir . "/$namespace.jsonl";
		append_to_file($file, $from->safe_psql('postgres', "SELECT agentmem.export('mem', '$namespace', true)") . "\n");
		$shard{c}->safe_psql('postgres', qq{
			CREATE TEMP TABLE line (n serial, line jsonb);
			COPY line (line) FROM '$file' CSV QUOTE e'\\x01' DELIMITER e'\\x02';
			SELECT agentmem.import('mem', '$namespace', (SELECT array_agg(line ORDER BY n) FROM line))});
		$moving{$namespace} = $from;
	}
}
cmp_ok(scalar keys %moving, '>', 4, 'some go');
my ($one) = sort keys %moving;
isnt(($router->psql('postgres', "SELECT content FROM list('mem', '$one')"))[0], 0, 'one that is moving cannot be asked');
ask("ALTER SERVER mem OPTIONS (SET p$_ '" . at('c') . q{')}) for 6, 7;
is(join(' ', grep { whole($_) ne $before{$_} } sort keys %before), '', 'the same answers for all, wherever they are') or diag($before{$one}, "\n---\n", whole($one));
$moving{$_}->safe_psql('postgres', "SELECT agentmem.erase('mem', '$_', everything => true)") for sort keys %moving;
is(join(' ', grep { whole($_) ne $before{$_} } sort keys %before), '', 'and when they are erased where they were');
is(join(' ', map { $shard{$_}->safe_psql('postgres', 'SELECT count(DISTINCT namespace) FROM mem.memory') } 'a', 'b', 'c'),
	join(' ', @{ $held{a} } - (grep { $_ == $shard{a} } values %moving), @{ $held{b} } - (grep { $_ == $shard{b} } values %moving), scalar keys %moving), 'each namespace is on one still');
is(ask(qq{SELECT action FROM remember('mem', '$one', 'Milk', 'fact', subject => '$one', predicate => 'drinks')}), 'superseded', 'the new server writes');
is(ask(qq{SELECT count(*) > 0 FROM maintain('mem', '$one', at => now() + interval '9 days')}), 't', 'and maintains');
is($shard{c}->safe_psql('postgres', q{SELECT agentmem.index_check('mem.memory_embedding_idx', true)}) > 0, 1, 'its index is sound');

$_->stop for $router, values %shard;
done_testing();
