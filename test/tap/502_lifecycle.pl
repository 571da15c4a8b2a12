# What a DBA does to a database with stores: dump and restore in every form, rename, give away,
# move to another tablespace, drop the extension, upgrade.  After each the stores answer as before.
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
	CREATE ROLE keeper LOGIN;
	CREATE ROLE heir;
	CREATE ROLE tenant LOGIN;
	GRANT CREATE ON DATABASE source TO keeper;
	CREATE EXTENSION agentmem CASCADE;
	GRANT CREATE ON SCHEMA agentmem TO keeper;
	SET ROLE keeper;
	CREATE TEXT SEARCH CONFIGURATION agentmem.house (COPY = agentmem.english);
	SELECT agentmem.create_store('mem', dimensions => 3);
	SELECT agentmem.create_store('parts', dimensions => 3, partitions => 2);
	SELECT agentmem.remember(s, 'n' || i % 2, 'memory number ' || i, 'fact', format('[1,%s,0]', i)::agentmem.vector, subject => 'S' || i % 7, predicate => 'p', object => 'o' || i, key => 'k' || i)
	FROM unnest('{mem,parts}'::name[]) s, generate_series(1, 20) i;
	SELECT agentmem.remember(s, 'n0', 'the token', 'secret', attributes => '{"value": "abc"}') FROM unnest('{mem,parts}'::name[]) s;
	SELECT agentmem.forget(s, 'n0', 20) FROM unnest('{mem,parts}'::name[]) s;
	SELECT agentmem.enable_row_security('parts');
	GRANT USAGE ON SCHEMA mem, parts TO tenant;
	GRANT SELECT ON ALL TABLES IN SCHEMA mem, parts TO tenant;
	REVOKE ALL ON mem.secret, parts.secret FROM tenant;
});

# What the stores of these names say; the same before and after.
sub answers
{
	my ($database, @stores) = @_;
	my $list = '{' . join(',', @stores) . '}';
	return $node->safe_psql($database, qq{
		SELECT n, r.id, r.score, r.content, r.channels, r.confidence, r.valid_period
		FROM unnest('$list'::name[]) WITH ORDINALITY s(s, i), unnest('{n0,n1}'::text[]) n, LATERAL agentmem.recall(s.s, n, 'number 12', '[1,12,0]', k => 5) r ORDER BY s.i, n, score DESC, id;
		SELECT count(*) FROM unnest('$list'::name[]) s, LATERAL agentmem.list(s, 'n0', during => '(,)', n => 1000) l;
	} . join('', map { qq{SELECT count(*) FROM $_.audit WHERE action <> 'reveal'; SELECT * FROM $_.secret; SELECT * FROM $_.kind ORDER BY 1; SELECT * FROM $_.setting ORDER BY 1; SELECT count(*), max(weight) FROM $_.edge;} } @stores));
}

# What is in schema agentmem and whose it is: of the extension, but for the configuration above and who may make one.
my $schema = q{
	SELECT nspowner::regrole, nspacl, obj_description(oid), (SELECT deptype FROM pg_depend WHERE classid = 'pg_namespace'::regclass AND objid = n.oid) FROM pg_namespace n WHERE nspname = 'agentmem';
	SELECT cfgname, cfgowner::regrole FROM pg_ts_config c WHERE cfgnamespace = 'agentmem'::regnamespace AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype = 'e')};

# Writing goes on where it stopped: a statement and a key are recognised, ids and operations are new.
sub goes_on
{
	my ($database, $store, $name) = @_;
	is($node->safe_psql($database, "SELECT action FROM agentmem.remember('$store', 'n0', 'MEMORY number 12', 'fact', subject => 's5', predicate => 'P', object => 'O12', key => 'k12')"), 'reinforced', "$name: a statement is recognised");
	is($node->safe_psql($database, "SELECT id > 21, action FROM agentmem.remember('$store', 'n0', 'new with ' || clock_timestamp(), 'fact', '[0,0,1]')"), 't|inserted', "$name: ids go on");
	is($node->safe_psql($database, "SELECT count(*) FROM $store.audit GROUP BY namespace, id HAVING count(*) > 1"), '', "$name: operations go on");
	is($node->safe_psql($database, "SELECT agentmem.reveal('$store', 'n0', id) FROM agentmem.list('$store', 'n0', kinds => '{secret}')"), 'abc', "$name: the secret is there");
	$node->command_ok([ 'psql', '-X', '-d', $node->connstr($database), '-c', "SELECT agentmem.index_check(c.oid, true) FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'ivfbq' AND c.relkind = 'i' AND c.relnamespace = '$store'::regnamespace" ], "$name: its index is whole");
}

my $before = answers('source', 'mem', 'parts');
my $owned = $node->safe_psql('source', $schema);
like($owned, qr/^(\w+)\|\{\1=UC\/\1,=U\/\1,keeper=C\/\1\}\|agentmem: long-term memory for AI agents\|e\nhouse\|keeper$/, 'the schema is a member');
my $dir = $node->basedir;

# Dumps: each form, restored elsewhere.
for my $format ('plain', 'custom', 'directory')
{
	my $file = "$dir/dump.$format";
	$node->command_ok([ 'pg_dump', '-d', $node->connstr('source'), '-F', $format, '-f', $file ], "$format dump");
	$node->safe_psql('postgres', "CREATE DATABASE $format");
	$node->command_ok($format eq 'plain'
		? [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($format), '-f', $file ]
		: [ 'pg_restore', '--exit-on-error', '-d', $node->connstr($format), $file ], "$format restore");
	is($node->safe_psql($format, $schema), $owned, "$format: the same schema agentmem");
	is(answers($format, 'mem', 'parts'), $before, "$format: the same answers");
	goes_on($format, 'mem', "$format, plain tables");
	goes_on($format, 'parts', "$format, partitions");
	is($node->safe_psql($format, q{SET ROLE tenant; SET agentmem.namespace = 'n1'; SELECT agentmem.count('parts', 'n0', during => '(,)'), agentmem.count('parts', 'n1', during => '(,)') > 0}), '0|t', "$format: row security too");
}

# The schema alone, then the tables that hold policy: an empty store.
$node->command_ok([ 'pg_dump', '-d', $node->connstr('source'), '--schema-only', '-f', "$dir/schema.sql" ], 'schema only');
$node->safe_psql('postgres', 'CREATE DATABASE empty');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('empty'), '-f', "$dir/schema.sql" ], 'restored');
my ($ret, $stdout, $stderr) = $node->psql('empty', "SELECT agentmem.remember('mem', 'n0', 'x', 'fact')");
like($stderr, qr/store "mem" has no setting "language"/, 'without its settings a store says so');
$node->command_ok([ 'pg_dump', '-d', $node->connstr('source'), '--data-only', '-t', 'mem.setting', '-t', 'mem.kind', '-t', 'mem.predicate', '-f', "$dir/policy.sql" ], 'policy tables');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('empty'), '-f', "$dir/policy.sql" ], 'restored');
is($node->safe_psql('empty', "SELECT id, action FROM agentmem.remember('mem', 'n0', 'x', 'fact', '[1,0,0]')"), '1|inserted', 'an empty store that works');

# One schema, under row security: complete as superuser, refused to the owner rather than incomplete.
$node->safe_psql('postgres', 'CREATE DATABASE one');
$node->safe_psql('one', 'CREATE EXTENSION agentmem CASCADE');
$node->command_ok([ 'pg_dump', '-d', $node->connstr('source'), '-n', 'parts', '-f', "$dir/one.sql" ], 'one schema');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('one'), '-f', "$dir/one.sql" ], 'restored');
is(answers('one', 'parts'), answers('source', 'parts'), 'one schema: the same answers');
$node->command_fails_like([ 'pg_dump', '-U', 'keeper', '-d', $node->connstr('source'), '-n', 'parts', '-f', "$dir/refused.sql" ], qr/row-level security/, 'the owner cannot dump what it does not see');
$node->command_ok([ 'pg_dump', '-U', 'keeper', '-d', $node->connstr('source'), '-n', 'mem', '-f', "$dir/owner.sql" ], 'without row security it can');

# Another name.
$node->safe_psql('source', 'ALTER SCHEMA mem RENAME TO "Other mem"');
is(answers('source', '"Other mem"', 'parts'), $before, 'renamed: the same answers');
is($node->safe_psql('source', q{SELECT column_default FROM information_schema.columns WHERE table_schema = 'Other mem' AND table_name = 'memory' AND column_name = 'id'}), q{nextval('"Other mem".id_seq'::regclass)}, 'the default follows');
is($node->safe_psql('source', q{SELECT id > 21, action FROM agentmem.remember('Other mem', 'n0', 'under another name', 'fact')}), 't|inserted', 'writing goes on');
is($node->safe_psql('source', q{SELECT store FROM agentmem.stores ORDER BY 1}), "Other mem\nparts", 'listed by the new name');
$node->safe_psql('source', 'ALTER SCHEMA "Other mem" RENAME TO mem');

# Another owner: the schema and what is in it.
my $give = q{
	DO $$
	DECLARE c record;
	BEGIN
	  FOR c IN SELECT oid::regclass AS name, relkind FROM pg_class WHERE relnamespace = 'STORE'::regnamespace AND relkind IN ('r', 'p', 'v', 'S') LOOP
	    EXECUTE format('ALTER %s %s OWNER TO heir', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, c.name);
	  END LOOP;
	  ALTER SCHEMA STORE OWNER TO heir;
	END $$;
};
for my $store ('mem', 'parts')
{
	$node->safe_psql('source', $give =~ s/STORE/$store/gr);
	is($node->safe_psql('source', "SELECT owner FROM agentmem.stores WHERE store = '$store'"), 'heir', "$store: its owner is another");
	is($node->safe_psql('source', "SET ROLE heir; SET agentmem.namespace = 'n0'; SELECT action FROM agentmem.remember('$store', 'n0', 'from the heir', 'secret', attributes => '{\"value\": \"v\"}')"), 'inserted', "$store: who writes");
	is($node->safe_psql('source', "SELECT role FROM $store.audit ORDER BY id DESC LIMIT 1"), 'heir', "$store: with audit");
	($ret, $stdout, $stderr) = $node->psql('source', "SET ROLE keeper; SELECT agentmem.drop_store('$store', cascade => true)");
	like($stderr, qr/must be owner of store "$store"/, "$store: the old one cannot drop it");
}
$node->safe_psql('source', q{DELETE FROM mem.secret WHERE value = 'v'; SELECT agentmem.forget(s, 'n0', id) FROM unnest('{mem,parts}'::name[]) s, LATERAL agentmem.list(s, 'n0', kinds => '{secret}', n => 1000) l WHERE content = 'from the heir'});

# Another tablespace.
mkdir "$dir/space" or die;
$node->safe_psql('postgres', "CREATE TABLESPACE space LOCATION '$dir/space'");
my $here = answers('source', 'mem', 'parts');
$node->safe_psql('source', 'ALTER TABLE ALL IN TABLESPACE pg_default OWNED BY heir SET TABLESPACE space; ALTER INDEX ALL IN TABLESPACE pg_default OWNED BY heir SET TABLESPACE space');
is($node->safe_psql('source', q{SELECT count(*) > 0, count(*) FILTER (WHERE reltablespace <> (SELECT oid FROM pg_tablespace WHERE spcname = 'space')) FROM pg_class
	WHERE relnamespace IN ('mem'::regnamespace, 'parts'::regnamespace) AND relkind IN ('r', 'i')}), 't|0', 'all of them moved');
is(answers('source', 'mem', 'parts'), $here, 'moved: the same answers');
is($node->safe_psql('source', q{SELECT agentmem.index_check('mem.memory_embedding_idx', true) > 0}), 't', 'and a whole index');
$node->restart;
is(answers('source', 'mem', 'parts'), $here, 'after a restart too');

# Versions.
my $version = $node->safe_psql('source', q{SELECT extversion FROM pg_extension WHERE extname = 'agentmem'});
for my $store ('mem', 'parts')
{
	is($node->safe_psql('source', "SELECT agentmem.upgrade_store('$store')"), $version, "$store is up to date") for 1 .. 2;
}
is(answers('source', 'mem', 'parts'), $here, 'upgrading what is up to date changes nothing');
for my $case ([ '99.0', '0A000' ], [ '0.0.1', '0A000' ], [ undef, '55000' ])
{
	my ($other, $code) = @$case;
	my $set = defined $other ? "UPDATE mem.setting SET value = '$other' WHERE name = 'version'" : "DELETE FROM mem.setting WHERE name = 'version'";
	($ret, $stdout, $stderr) = $node->psql('source', "\\set VERBOSITY verbose\nBEGIN; $set; SELECT agentmem.upgrade_store('mem'); COMMIT");
	like($stderr, qr/ERROR:  $code: store "mem"/, 'a store of version ' . ($other // 'none') . ' is refused');
}
($ret, $stdout, $stderr) = $node->psql('source', q{SET ROLE tenant; SELECT agentmem.upgrade_store('mem')});
like($stderr, qr/must be owner of store "mem"/, 'only its owner upgrades a store');

is($node->safe_psql('source', q{ALTER EXTENSION agentmem UPDATE; SELECT extversion FROM pg_extension WHERE extname = 'agentmem'}), $version, 'an update to the same version is none');

# Without the extension: refused; with CASCADE what used it is lost, and only that.
($ret, $stdout, $stderr) = $node->psql('source', 'DROP EXTENSION agentmem');
isnt($ret, 0, 'DROP EXTENSION is refused while a store needs it');
like($stderr, qr/depends on type agentmem\.vector/, 'naming what needs it');
my $kept = q{SELECT (SELECT count(*) FROM mem.memory), (SELECT count(content) FROM parts.memory), (SELECT count(*) FROM mem.audit), (SELECT count(*) FROM parts.secret)};
my $rows = $node->safe_psql('source', $kept);
# What the page tells of (docs/operations.md): of each store triggers, policies, tables under row security, checks.
my $objects = q{SELECT n.nspname, (SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = n.oid AND NOT t.tgisinternal),
	(SELECT count(*) FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = n.oid), (SELECT count(*) FROM pg_class c WHERE c.relnamespace = n.oid AND c.relrowsecurity),
	(SELECT string_agg(o.conname, ' ' ORDER BY o.conname) FROM pg_constraint o WHERE o.connamespace = n.oid AND o.contype = 'c' AND o.conname ~ '^(predicate|kind_attribute)_')
	FROM pg_namespace n WHERE n.nspname IN ('mem', 'parts') ORDER BY 1};
my @had = map { [ split /\|/ ] } split(/\n/, $node->safe_psql('source', $objects));
cmp_ok($_->[1], '>', 0, "$_->[0] has triggers") for @had;
cmp_ok($had[1][2], '>', 0, 'parts has policies');
$node->safe_psql('source', 'DROP EXTENSION agentmem CASCADE');
is($node->safe_psql('source', $objects), join("\n", map { "$_->[0]|0|0|$_->[3]|kind_attribute_name_check predicate_cardinality_check" } @had), 'CASCADE takes triggers, policies and checks, and leaves row security on');
is($node->safe_psql('source', q{SELECT count(*) FROM pg_class WHERE relnamespace = 'mem'::regnamespace AND relkind = 'v' AND relname = 'fact'}), '0', 'views of kinds');
$node->safe_psql('source', q{BEGIN; CREATE TEMP TABLE versions AS SELECT count(*) AS n FROM mem.memory_history; UPDATE mem.memory SET content = 'changed'; DO $$ BEGIN ASSERT (SELECT n FROM versions) = (SELECT count(*) FROM mem.memory_history); END $$; ROLLBACK});
pass('no version is kept any more');
is($node->safe_psql('source', $kept), $rows, 'CASCADE keeps the rows');
is($node->safe_psql('source', q{SELECT count(*) FROM pg_attribute WHERE attname = 'embedding' AND attrelid IN ('mem.memory'::regclass, 'parts.memory'::regclass) AND NOT attisdropped}), '0', 'and drops the embeddings');
is($node->safe_psql('source', q{SELECT relname FROM pg_class WHERE relnamespace = 'mem'::regnamespace AND relkind = 'i' AND relname ~ '(lexemes|embedding|subject|ids|history_time)_idx$'}), '', 'their index, and those of words, subjects, history by time and ids');
is($node->safe_psql('source', q{SET ROLE tenant; SET agentmem.namespace = 'n0'; SELECT count(*) FROM parts.memory}), '0', 'where row security was on, nobody sees more for it');

# There is no way back.
$node->safe_psql('source', 'CREATE EXTENSION agentmem; ALTER TABLE mem.memory DISABLE ROW LEVEL SECURITY');
($ret, $stdout, $stderr) = $node->psql('source', q{SELECT agentmem.remember('mem', 'n0', 'anew', 'fact')});
like($stderr, qr/column "embedding" of relation "memory" does not exist/, 'CREATE EXTENSION does not mend such a store');

# Taken out as the page says, nothing is left: rows of catalogs, before and after.
$node->safe_psql('postgres', 'CREATE DATABASE clean');
my @catalogs = split(/\n/, $node->safe_psql('clean', q{SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'pg_catalog'::regnamespace
	AND NOT relisshared AND relname <> 'pg_statistic' ORDER BY 1}));
my $count = join(' UNION ALL ', map { "SELECT '$_ ' || count(*) FROM $_" } @catalogs);
my $clean = $node->safe_psql('clean', $count);
$node->safe_psql('clean', q{CREATE EXTENSION agentmem; SELECT agentmem.create_store('mem', dimensions => 3), agentmem.create_store('parts', dimensions => 3, partitions => 2);
	SELECT agentmem.remember(s, 'n', 'x', 'fact', '[1,2,3]') FROM unnest('{mem,parts}'::name[]) s; SELECT agentmem.enable_row_security('mem'), agentmem.add_kind('mem', 'ticket', 'working', 'A ticket', '{"number": "int"}')});
$node->safe_psql('clean', q{SELECT agentmem.drop_store('mem', true), agentmem.drop_store('parts', true); DROP EXTENSION agentmem});
is($node->safe_psql('clean', $count), $clean, 'stores and extension dropped: nothing is left, nor the schema');

# Who installs it without being a superuser puts nothing into its schema that others would call, and drops it as well.
$node->safe_psql('clean', 'GRANT CREATE ON DATABASE clean TO keeper; SET ROLE keeper; CREATE EXTENSION agentmem');
for my $case ([ 'CREATE FUNCTION agentmem.remember(text, text, text) RETURNS int LANGUAGE sql AS \'SELECT 1\'', 'permission denied for schema agentmem' ],
	[ 'DROP SCHEMA agentmem CASCADE', 'must be owner of schema agentmem' ], [ 'ALTER EXTENSION agentmem DROP SCHEMA agentmem', 'must be owner of schema agentmem' ])
{
	($ret, $stdout, $stderr) = $node->psql('clean', "SET ROLE keeper; $case->[0]");
	like($stderr, qr/ERROR:  $case->[1]/, "refused: $case->[0]");
}
is($node->safe_psql('clean', q{SELECT DISTINCT n.nspowner = p.proowner, n.nspowner = 10, e.extowner::regrole FROM pg_extension e, pg_namespace n JOIN pg_proc p ON p.pronamespace = n.oid
	WHERE n.nspname = 'agentmem' AND e.extname = 'agentmem'}), 't|t|keeper', 'its objects are a superuser\'s');
# What others have put there is in the way, and is named.
$node->safe_psql('clean', 'CREATE TEXT SEARCH CONFIGURATION agentmem.house (COPY = pg_catalog.english)');
($ret, $stdout, $stderr) = $node->psql('clean', 'SET ROLE keeper; DROP EXTENSION agentmem');
like($stderr, qr/text search configuration agentmem\.house depends on schema agentmem/, 'a configuration of a user\'s is not dropped unasked');
$node->safe_psql('clean', 'DROP TEXT SEARCH CONFIGURATION agentmem.house; SET ROLE keeper; DROP EXTENSION agentmem');
is($node->safe_psql('clean', $count), $clean, 'nothing is left of that, either');

# A schema of the name that is there before is somebody's: refused, and left as it is.
$node->safe_psql('clean', q{SET ROLE keeper; CREATE SCHEMA agentmem; CREATE FUNCTION agentmem.remember(text, text, text) RETURNS int LANGUAGE sql AS 'SELECT 1'});
my $theirs = $node->safe_psql('clean', $count);
for my $role ('keeper', 'NONE')
{
	($ret, $stdout, $stderr) = $node->psql('clean', "\\set VERBOSITY verbose\nSET ROLE $role; CREATE EXTENSION agentmem");
	like($stderr, qr/ERROR:  42P06: schema "agentmem" already exists/, "$role: a schema of the name is not taken over");
	is($node->safe_psql('clean', $count), $theirs, "$role: nothing has changed");
}

$node->stop;
done_testing();
