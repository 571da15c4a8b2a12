# Calls of the SQL functions of schema agentmem with arguments at random: each of its type, most of them such that the
# function gets somewhere, some as hostile as the type allows.
package AgentMem::Fuzz;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(functions call setup_sql);

# The store that is called upon, with partitions or without; it is made anew if a call has dropped it.
sub setup_sql
{
	return <<'SQL';
DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'fz') THEN
		PERFORM agentmem.create_store('fz', dimensions => 3);
		INSERT INTO fz.setting VALUES ('concepts', '4'), ('embed_jobs', 'on') ON CONFLICT DO NOTHING;
	END IF;
END $$;
SELECT agentmem.remember_many('fz', 'a', jsonb_agg(jsonb_build_object('content', 'Memory ' || i || ' of Ann in Oslo last May', 'kind',
	(ARRAY['fact', 'event', 'episode', 'preference', 'summary'])[i % 5 + 1], 'subject', 'Ann', 'predicate', 'p' || i % 7, 'session', 's' || i % 3,
	'key', 'k' || i, 'tags', jsonb_build_array('t' || i % 3), 'embedding', jsonb_build_array(i, 1, i % 4))), on_error => 'skip')
	FROM generate_series(1, 40) i;
SELECT agentmem.remember('fz', 'a/x', 'The secret of Ann', 'secret', attributes => '{"value": "4711"}');
SELECT agentmem.link('fz', 'a', a, b, 'similar', 0.5) FROM (SELECT min(id) a, max(id) b FROM fz.memory WHERE namespace = 'a') ids WHERE a < b;
SELECT agentmem.enqueue_embeddings('fz', 'a');
CREATE TABLE IF NOT EXISTS fz_docs (id bigint, tenant text, v agentmem.vector, h agentmem.halfvec);
INSERT INTO fz_docs SELECT i, 'a', ('[' || i || ',1,2]')::agentmem.vector, ('[1,' || i || ']')::agentmem.halfvec FROM generate_series(1, 50) i;
CREATE INDEX IF NOT EXISTS fz_docs_v ON fz_docs USING ivfbq (tenant, v agentmem.vector_l2_ops);
CREATE INDEX IF NOT EXISTS fz_docs_h ON fz_docs USING ivfbq (h agentmem.halfvec_cosine_ops);
SQL
}

# The functions: name, kind, whether they return a set, names and types of their arguments, how many of these have defaults.
sub functions
{
	my ($node) = @_;
	my @functions;
	for my $line (split /\n/, $node->safe_psql('postgres', q{
		SELECT proname, prokind, proretset, pronargdefaults, coalesce(array_to_string(proargnames[1:pronargs], ',', '-'), ''),
			(SELECT string_agg(format_type(t, NULL), ';' ORDER BY n) FROM unnest(proargtypes) WITH ORDINALITY x (t, n))
		FROM pg_proc WHERE pronamespace = 'agentmem'::regnamespace
			AND NOT 'internal'::regtype = ANY (proargtypes) AND prorettype <> 'trigger'::regtype
		ORDER BY proname, proargtypes}))
	{
		my ($name, $kind, $set, $defaults, $names, $types) = split /\|/, $line, -1;
		push @functions, { name => $name, kind => $kind, set => $set eq 't', defaults => $defaults, names => [ split /,/, $names ], types => [ split /;/, $types ] };
	}
	return @functions;
}

sub pick { return $_[ rand @_ ]; }

sub quoted
{
	my ($text) = @_;
	$text =~ s/'/''/g;
	return $text =~ /\\/ ? 'E' . "'" . $text =~ s/\\/\\\\/gr . "'" : "'$text'";
}

my @words = ('Ann', 'Oslo', 'the', 'train', 'leaves', 'at', 'nine', 'last week', 'in May 2023', 'ÉTÉ', 'Straße', '我爱北京', 'שלום', 'السلام', '👩‍👩‍👧',
	'src/fuse.c', 'v1.2', 'https://example.com/a?b', 'a@b.example', '#tag', '@ann', '-1e308', "'", '"', '\\', '%', '{', '}', "\x{7f}", "\n", "\t", '.', '!');

sub sentence { return join(pick(' ', ' ', ' ', ''), map { pick(@words) } 1 .. pick(1, 3, 8, 30)); }

my %texts = (
	namespace => [ ('a') x 8, 'b', 'a/x', 'c', '', ' ', "a\tb", 'n' x 513, 'é' ],
	kind => [ 'fact', 'event', 'episode', 'preference', 'summary', 'secret', 'observation', 'commitment', 'embed', 'extract', 'adjudicate', 'nope' ],
	type => [ 'similar', 'next', 'part_of', 'supersedes', 'has_concept', 'nope' ],
	edges => [
		"VALUES (1, 2), (2, 3), (3, 1)", "SELECT source, target, weight FROM fz.edge WHERE source > 0", "SELECT i, i % 17, 0.5 FROM generate_series(1, 200) i",
		"SELECT * FROM agentmem.transitions('fz', 'a')", "SELECT 1", "SELECT 'a', 'b'", "SELECT NULL::bigint, 1::bigint", "SELECT 1, 2, 'NaN'::float8", "SELECT 1, 2, -1",
		"DELETE FROM fz.edge RETURNING source, target", "SELECT 1; SELECT 2", "SELECT 1, 2 WHERE false", "", "nonsense", "SELECT 9223372036854775807, -9223372036854775808",
		"SELECT agentmem.feedback('fz', 'a', 1, true), 2" ],
	by => [ 'setting', 'role', 'nope' ],
	mode => [ 'fast', 'exact', 'auto', 'nope' ],
	fusion => [ 'score', 'rrf', 'nope' ],
	granularity => [ 'memory', 'summary', 'nope' ],
	format => [ 'mermaid', 'dot', 'json', 'nope' ],
	metric => [ 'cosine', 'l2', 'ip', 'nope' ],
	language => [ 'english', 'german', 'simple', 'arabic', 'nope' ],
	languages => [ 'english', 'german', 'simple' ],
	provenance => [ 'stated', 'inferred', 'corrected', 'nope' ],
	resolution => [ 'supersede', 'retain', 'annotate', 'merge', 'nope' ],
	on_error => [ 'fail', 'skip', 'nope' ],
	derived => [ 'erase', 'keep', 'nope' ],
	class => [ 'semantic', 'episodic', 'vault', 'nope' ],
	supersede => [ 'replace', 'annotate', 'none', 'nope' ],
	repeat => [ 'reinforce', 'keep', 'nope' ],
	validity => [ 'state', 'occurrence', 'nope' ],
	state => [ 'active', 'warm', 'cold', 'archived', 'forgotten', 'nope' ],
	subject => [ 'Ann', 'ann', 'Oslo', '', 's' x 1025 ],
	predicate => [ 'p1', 'lives in', 'likes', '' ],
	key => [ 'k1', 'k2', 'k3', 'new', '', 'k' x 513 ],
	session => [ 's1', 's2', '' ],
	setting => [ 'metric', 'dimensions', 'nope' ],
	name => [ 'fact', 'kindly', 'similar', 'x' x 70 ],
	clear => [ 'half_life', 'repeat', 'nope' ],
	step => [ 'state', 'expired', 'nope' ]);
$texts{kinds} = $texts{kind};
$texts{types} = $texts{type};
$texts{states} = $texts{state};
$texts{keys} = $texts{key};
$texts{shared} = $texts{prefix} = $texts{namespace};

sub text
{
	my ($name) = @_;
	return pick(@{ $texts{$name} }) if $texts{$name} && rand() < 0.95;
	my $dice = rand();
	return '' if $dice < 0.03;
	return pick('x', 'ж', '👩‍👩‍👧', ' ', '((') x pick(255, 2047, 70000) if $dice < 0.06;
	return sentence();
}

sub whole { return pick(0, 1, 1, 2, 3, 5, 10, 20, 32, 100, -1, int(rand 1000), 2147483647, -2147483648); }
sub id { return rand() < 0.8 ? 1 + int(rand 60) : pick(0, -1, -2, -3, 99999, '9223372036854775807', '-9223372036854775808'); }
sub real { return pick(0, 1, 0.5, 0.85, rand(), rand(), -1, 2, 1e-9, 1e30, 1e-30, "'NaN'", "'Infinity'", "'-Infinity'"); }

sub vector_text
{
	my ($most) = @_;
	my $n = rand() < 0.75 ? 3 : pick(1, 2, 8, 64, 100, 2000, 16000);
	my $kind = rand();
	return '[' . join(',', map { $kind < 0.1 ? 0 : $kind < 0.2 ? pick($most, "-$most", 0, 1e-7) : sprintf('%.4g', rand(4) - 2) } 1 .. $n) . ']';
}

sub instant { return pick("'now'", "'now'", "'2024-05-01'", "'2024-05-01 12:00+02'", "'yesterday'", "'infinity'", "'-infinity'", "'4713-01-01 BC'", "'294276-12-31'", "'epoch'"); }

sub json
{
	my ($name) = @_;
	my $memory = sub {
		my %memory = (content => json_text(sentence()));
		$memory{ pick(qw(kind subject predicate key session tags embedding valid_from valid_to attributes importance namespace nope parent expires_at)) } =
		  pick('"fact"', '"Ann"', '"x"', '["a"]', '[1,2,3]', '"[1,2,3]"', '"2024-01-01"', '{"a": 1}', 0.5, 1e400, 'null', '"a"', 7, '[[]]') for 1 .. pick(0, 1, 3, 6);
		return '{' . join(', ', map { "\"$_\": $memory{$_}" } sort keys %memory) . '}';
	};
	if (rand() < 0.85)
	{
		return '[' . join(',', map { $memory->() } 1 .. pick(0, 1, 2, 5)) . ']' if $name eq 'memories';
		return pick(
			'{"embedding": [1,2,3]}', '{"embedding": [1,2], "model": "m"}', '{"resolution": "retain"}', '{"memories": [' . $memory->() . ']}', '{"memories": {}}', '{}', '[]')
		  if $name eq 'result';
		return pick('{"semantic": 1, "lexical": 2}', '{"graph": 0, "concept": 1}', '{"semantic": -1}', '{"nope": 1}', '{"lexical": 1e300}', '{"temporal": "x"}') if $name eq 'weights';
		return pick('{"due_at": "2024-01-01"}', '{"uri": "x"}', '{"a": {"type": "int", "required": true}}', '{"a": "nope"}', '{"value": "s"}', '{"a": null}') if $name eq 'attributes';
		return pick('{"store": "fz", "namespace": "a", "operation": 1, "ids": [1,2], "at": "2024-01-01", "erased": {}, "relations": []}', '{"ids": "x"}', '{"store": "fz", "namespace": "a", "ids": [1e99]}')
		  if $name eq 'receipt';
		return pick('{"conflict": 1}', '{"conflict": "x"}', '{"prompt": "x"}') if $name eq 'payload';
		return pick('{"type": "header", "format": 1}', '{"type": "memory", "id": 1, "content": "x"}', '{"type": "edge", "source": 1, "target": 2}', '{"type": 7}', '{"type": "version"}') if $name eq 'lines';
	}
	return pick('null', '1', '"x"', '[]', '{}', '[[[[]]]]', '{"a": [1, {"b": null}]}', '1e1000', '[' x 500 . ']' x 500, '{"' . 'k' x 3000 . '": 1}');
}

sub json_text
{
	my ($text) = @_;
	$text =~ s/([\\"])/\\$1/g;
	$text =~ s/([\x00-\x1f\x7f])/sprintf('\\u%04x', ord $1)/ge;
	return "\"$text\"";
}

# value TYPE, NAME: an expression of the type.
sub value
{
	my ($type, $name) = @_;
	return "NULL::$type" if rand() < 0.06;
	if ($type =~ /^(.*)\[\]$/)
	{
		my $element = $1;
		my $dice = rand();
		return "'{}'::$type" if $dice < 0.1;
		my $list = sub { return 'ARRAY[' . join(', ', map { value($element, $name) } 1 .. $_[0]) . ']'; };
		return 'ARRAY[' . $list->(2) . ', ' . $list->(2) . "]::$type" if $dice < 0.14;
		return $list->($dice < 0.16 ? 300 : pick(1, 1, 2, 3, 5)) . "::$type";
	}
	return quoted(text($name)) . "::$type" if $type eq 'text';
	return quoted(pick(vector_text('3e38'), '{1,2}', '3', sentence(), 'vector(3)')) . "::cstring" if $type eq 'cstring';
	return quoted(rand() < 0.93 ? 'fz' : pick('nope', 'pg_catalog', 'public', 'agentmem', '', 'fz2', 'x' x 63)) . '::name' if $type eq 'name';
	return '(' . whole() . ')::int' if $type eq 'integer';
	return "('" . id() . "')::bigint" if $type eq 'bigint';
	return '(' . real() . ")::$type" if $type eq 'real' || $type eq 'double precision';
	return '(' . pick(0, 1, -1, 0.1, '1e300', "'NaN'", "'Infinity'") . ')::numeric' if $type eq 'numeric';
	return pick('true', 'false') if $type eq 'boolean';
	return quoted(json($name)) . '::jsonb' if $type eq 'jsonb';
	return instant() . '::timestamptz' if $type eq 'timestamp with time zone';
	return quoted(pick('1 day', '5 min', '0', '-1 day', '178000000 years', '1 mon -1 day', '0.000001 s')) . '::interval' if $type eq 'interval';
	return pick("'(,)'", "'empty'", "'[2024-01-01,2024-02-01)'", "'(,2024-01-01]'", "'[now,)'", "'(-infinity,infinity)'", "'[2024-01-01,2024-01-01]'") . '::tstzrange' if $type eq 'tstzrange';
	return pick("''", "'a:1 b:2,3'", "'ann:1A oslo:2'", quoted('w' x 2000), "to_tsvector('simple', repeat('a b c ', 300))") . '::tsvector' if $type eq 'tsvector';
	return "B'" . join('', map { pick(0, 1) } 1 .. pick(0, 1, 3, 3, 8, 64, 65, 1000)) . "'" if $type eq 'bit';
	return pick("'fz.memory_embedding_idx'", "'fz_docs_v'", "'fz_docs_h'", "'fz.memory'", "'fz.memory_pkey'", "'pg_class'", "'fz.id_seq'", "'pg_toast.pg_toast_1255'", '0', '999999') . '::regclass'
	  if $type eq 'regclass';
	return pick("'fz'::regnamespace::oid", "'fz.memory'::regclass::oid", '0::oid', '1::oid', '4294967295::oid') if $type eq 'oid';
	return "'(" . pick('0,1', '0,0', '4294967295,65535', '7,300') . ")'::tid" if $type eq 'tid';
	return quoted(vector_text('65504')) . '::agentmem.halfvec' if $type eq 'agentmem.halfvec';
	if ($type eq 'agentmem.vector')
	{
		my $vector = quoted(vector_text('3e38')) . '::agentmem.vector';
		return rand() < 0.25 ? "agentmem.quantize($vector, " . pick(1, 8, 16) . ')' : $vector;
	}
	return 'ROW(' . value('agentmem.vector') . ', ' . real() . ')::agentmem.sphere' if $type eq 'agentmem.sphere';
	return 'ROW(' . value('agentmem.halfvec') . ', ' . real() . ')::agentmem.halfvec_sphere' if $type eq 'agentmem.halfvec_sphere';
	return "NULL::$type";
}

# call FUNCTION: a statement, on one line as psql reads lines.
sub call
{
	my ($function) = @_;
	my @types = @{ $function->{types} };
	my @names = @{ $function->{names} };
	my $name = "agentmem.$function->{name}";
	my $needed = @types - $function->{defaults};
	my @given;
	for my $i (0 .. $#types)
	{
		# By name some of those that may be left out: all at once, of many one is sure to be wrong.
		next if $i >= $needed && ($names[$i] eq '-' || rand() > 3 / (1 + $function->{defaults}));
		push @given, ($i >= $needed ? "$names[$i] => " : '') . value($types[$i], $names[$i] // '');
	}
	my $list = join(', ', @given);
	if ($function->{kind} eq 'a')
	{
		my @rows = map { '(' . join(', ', map { value($_, '') } @types) . ')' } 1 .. pick(1, 2, 5);
		return "SELECT $name(x) FROM (VALUES " . join(', ', @rows) . ') t (x)';
	}
	return "CALL $name($list)" if $function->{kind} eq 'p';
	return "SELECT * FROM $name($list) f LIMIT " . pick(1, 5, 100) if $function->{set} && rand() < 0.7;
	return "SELECT $name($list)" . ($function->{set} ? ' LIMIT 3' : '');
}

1;
