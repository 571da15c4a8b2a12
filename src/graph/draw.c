/*
 * draw.c
 *		The memories of a drawing, their labels, their edges; and the three notations.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"

#include "graph/draw.h"
#include "graph/ids.h"

/* Edges of a memory that are looked at, in each direction. */
#define EDGES_MAX 1000

/* Characters of a content that stand for a memory that has no title. */
#define LABEL_CHARS 60

typedef struct DrawnNode
{
	int64 id;
	char *kind;
	char *label;
} DrawnNode;

typedef struct DrawnEdge
{
	int64 source;
	int64 target;
	const char *type;
	float4 weight;
} DrawnEdge;

typedef struct Drawing
{
	AgmScope *scope;
	AgmIds ids;
	DrawnNode *nodes;
	int nnodes;
	DrawnEdge *edges;
	int nedges;
	int edges_room;
} Drawing;

AgmDrawFormat
agm_draw_format(const char *name)
{
	static const char *const formats[] = {"mermaid", "dot", "json"};

	for (size_t i = 0; i < lengthof(formats); i++)
		if (strcmp(formats[i], name) == 0)
			return (AgmDrawFormat) i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown format \"%s\"", name),
			 errhint("Use mermaid, dot or json.")));
}

typedef struct IdList
{
	int64 *ids;
	int n;
} IdList;

static void
read_id(TupleTableSlot *slot, void *arg)
{
	IdList *list = arg;

	list->ids[list->n++] = DatumGetInt64(slot->tts_values[0]);
}

int64 *
agm_newest(AgmScope *scope, int *n)
{
	AgmParams params = scope->base;
	StringInfoData sql;
	IdList list = {palloc(sizeof(int64) * Max(*n, 1)), 0};
	int limit = agm_param(&params, INT8OID, Int64GetDatum(*n), false);

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT f.id FROM (");
	for (AgmSource source = AGM_MEMORY; source < AGM_NSOURCES; source++)
	{
		if (!agm_filter_needs(&scope->filter, source))
			continue;
		appendStringInfoString(&sql, source == AGM_MEMORY ? "(SELECT m.id"
														  : " UNION ALL (SELECT m.id");
		agm_filter_from(&scope->filter, source, AGM_ANY_INDEX, "", &sql, &params);
		agm_filter_append(&scope->filter, scope->hidden, &sql, &params);
		appendStringInfo(&sql, " ORDER BY m.id DESC LIMIT $%d)", limit);
	}
	appendStringInfo(&sql, ") f ORDER BY f.id DESC LIMIT $%d", limit);
	(void) agm_execute(scope->store, sql.data, &params, AGM_READ | AGM_PLAN_CUSTOM, "l",
					   read_id, &list);
	*n = list.n;
	return list.ids;
}

static void
read_node(TupleTableSlot *slot, void *arg)
{
	Drawing *drawing = arg;
	DrawnNode *node = &drawing->nodes[drawing->nnodes++];

	node->id = DatumGetInt64(slot->tts_values[0]);
	node->kind = agm_slot_text(slot, 2);
	node->label = agm_slot_text(slot, 3);
}

static void
read_nodes(Drawing *drawing, const int64 *ids, int n)
{
	AgmScope *scope = drawing->scope;
	AgmParams params = scope->base;
	StringInfoData sql;

	drawing->nodes = palloc(sizeof(DrawnNode) * Max(n, 1));
	agm_param(&params, INT8ARRAYOID, agm_int8_array(ids, n), false);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT f.id, f.kind, f.label FROM (");
	for (AgmSource source = AGM_MEMORY; source < AGM_NSOURCES; source++)
	{
		if (!agm_filter_needs(&scope->filter, source))
			continue;
		appendStringInfo(&sql,
						 "%sSELECT m.id, m.kind, coalesce(m.title,"
						 " pg_catalog.left(m.content, %d)) AS label"
						 " FROM (SELECT DISTINCT u.id FROM pg_catalog.unnest($2) u(id)) i"
						 " CROSS JOIN LATERAL (SELECT * FROM ",
						 source == AGM_MEMORY ? "" : " UNION ALL ", LABEL_CHARS);
		agm_filter_version(&scope->filter, source, "c.id OPERATOR(pg_catalog.=) i.id", &sql,
						   &params);
		appendStringInfoString(&sql, " OFFSET 0) m WHERE true");
		agm_filter_append(&scope->filter, scope->hidden, &sql, &params);
	}
	if (agm_store_has(scope->store, "concept"))
		appendStringInfoString(
			&sql, " UNION ALL (SELECT DISTINCT ON (c.id) c.id, 'concept', c.concept"
				  " FROM {store}.concept c WHERE c.namespace OPERATOR(pg_catalog.=) $1"
				  " AND c.id OPERATOR(pg_catalog.=) ANY ($2) AND c.id OPERATOR(pg_catalog.<) 0"
				  " ORDER BY c.id, c.memory)");
	appendStringInfoString(&sql, ") f ORDER BY f.id");
	(void) agm_execute(scope->store, sql.data, &params, AGM_READ | AGM_PLAN_GENERIC, "ltt",
					   read_node, drawing);
}

/* An edge between two that are drawn; it comes from either end. */
static void
came(const AgmEdge *edge, void *arg)
{
	Drawing *drawing = arg;
	DrawnEdge *drawn;

	if (agm_ids_find(&drawing->ids, edge->other) == AGM_NO_NODE)
		return;
	if (drawing->nedges == drawing->edges_room)
	{
		drawing->edges_room *= 2;
		drawing->edges = repalloc_huge(drawing->edges, sizeof(DrawnEdge) * drawing->edges_room);
	}
	drawn = &drawing->edges[drawing->nedges++];
	drawn->source = edge->outgoing ? edge->node : edge->other;
	drawn->target = edge->outgoing ? edge->other : edge->node;
	drawn->type = drawing->scope->types[edge->type].name;
	drawn->weight = edge->weight;
}

static int
compare_edges(const void *a, const void *b)
{
	const DrawnEdge *x = a;
	const DrawnEdge *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	return strcmp(x->type, y->type);
}

static void
read_edges(Drawing *drawing)
{
	int64 *ids = palloc(sizeof(int64) * Max(drawing->nnodes, 1));
	int64 *limits = palloc(sizeof(int64) * Max(drawing->nnodes, 1));
	int n = 0;

	agm_ids_init(&drawing->ids, CurrentMemoryContext);
	for (int i = 0; i < drawing->nnodes; i++)
	{
		ids[i] = drawing->nodes[i].id;
		limits[i] = EDGES_MAX;
		(void) agm_ids_add(&drawing->ids, ids[i], NULL);
	}
	drawing->edges_room = 64;
	drawing->edges = palloc(sizeof(DrawnEdge) * drawing->edges_room);
	agm_scope_edges(drawing->scope, false, ids, limits, drawing->nnodes, came, drawing);
	qsort(drawing->edges, drawing->nedges, sizeof(DrawnEdge), compare_edges);
	for (int i = 0; i < drawing->nedges; i++)
		if (i == 0 || compare_edges(&drawing->edges[n - 1], &drawing->edges[i]) != 0)
			drawing->edges[n++] = drawing->edges[i];
	drawing->nedges = n;
}

/* Whatever a content holds, it cannot end a label, nor begin markup. */
static void
mermaid_text(StringInfo out, const char *string)
{
	appendStringInfoChar(out, '"');
	for (const char *c = string; *c != '\0'; c++)
	{
		if ((unsigned char) *c < 0x20 || *c == 0x7f)
			appendStringInfoChar(out, ' ');
		else if (strchr("\"#<>&;`", *c) != NULL)
			appendStringInfo(out, "#%d;", *c);
		else
			appendStringInfoChar(out, *c);
	}
	appendStringInfoChar(out, '"');
}

static void
dot_text(StringInfo out, const char *string)
{
	appendStringInfoChar(out, '"');
	for (const char *c = string; *c != '\0'; c++)
	{
		if ((unsigned char) *c < 0x20 || *c == 0x7f)
			appendStringInfoChar(out, ' ');
		else
		{
			if (*c == '"' || *c == '\\')
				appendStringInfoChar(out, '\\');
			appendStringInfoChar(out, *c);
		}
	}
	appendStringInfoChar(out, '"');
}

/* A name without a sign: m7, and of a concept c7. */
#define MERMAID_NAME "%c" INT64_FORMAT
#define MERMAID_NAME_OF(id) ((id) < 0 ? 'c' : 'm'), ((id) < 0 ? -(id) : (id))

static void
draw_mermaid(const Drawing *drawing, StringInfo out)
{
	appendStringInfoString(out, "graph LR\n");
	for (int i = 0; i < drawing->nnodes; i++)
	{
		appendStringInfo(out, "  " MERMAID_NAME "[", MERMAID_NAME_OF(drawing->nodes[i].id));
		mermaid_text(out, drawing->nodes[i].label);
		appendStringInfoString(out, "]\n");
	}
	for (int i = 0; i < drawing->nedges; i++)
	{
		appendStringInfo(out, "  " MERMAID_NAME " -->|",
						 MERMAID_NAME_OF(drawing->edges[i].source));
		mermaid_text(out, drawing->edges[i].type);
		appendStringInfo(out, "| " MERMAID_NAME "\n",
						 MERMAID_NAME_OF(drawing->edges[i].target));
	}
}

static void
draw_dot(const Drawing *drawing, StringInfo out)
{
	appendStringInfoString(out, "digraph memories {\n");
	for (int i = 0; i < drawing->nnodes; i++)
	{
		appendStringInfo(out, "  \"" INT64_FORMAT "\" [label=", drawing->nodes[i].id);
		dot_text(out, drawing->nodes[i].label);
		appendStringInfoString(out, "];\n");
	}
	for (int i = 0; i < drawing->nedges; i++)
	{
		appendStringInfo(out, "  \"" INT64_FORMAT "\" -> \"" INT64_FORMAT "\" [label=",
						 drawing->edges[i].source, drawing->edges[i].target);
		dot_text(out, drawing->edges[i].type);
		appendStringInfoString(out, "];\n");
	}
	appendStringInfoString(out, "}\n");
}

static void
draw_json(const Drawing *drawing, StringInfo out)
{
	appendStringInfoString(out, "{\"nodes\": [");
	for (int i = 0; i < drawing->nnodes; i++)
	{
		appendStringInfo(out, "%s{\"id\": " INT64_FORMAT ", \"kind\": ", i == 0 ? "" : ", ",
						 drawing->nodes[i].id);
		escape_json(out, drawing->nodes[i].kind);
		appendStringInfoString(out, ", \"label\": ");
		escape_json(out, drawing->nodes[i].label);
		appendStringInfoChar(out, '}');
	}
	appendStringInfoString(out, "], \"edges\": [");
	for (int i = 0; i < drawing->nedges; i++)
	{
		appendStringInfo(
			out, "%s{\"source\": " INT64_FORMAT ", \"target\": " INT64_FORMAT ", \"type\": ",
			i == 0 ? "" : ", ", drawing->edges[i].source, drawing->edges[i].target);
		escape_json(out, drawing->edges[i].type);
		appendStringInfo(out, ", \"weight\": %s}",
						 DatumGetCString(DirectFunctionCall1(
							 float4out, Float4GetDatum(drawing->edges[i].weight))));
	}
	appendStringInfoString(out, "]}");
}

char *
agm_draw(AgmScope *scope, AgmDrawFormat format, const int64 *ids, int n)
{
	Drawing drawing = {.scope = scope};
	StringInfoData out;

	read_nodes(&drawing, ids, n);
	read_edges(&drawing);
	initStringInfo(&out);
	if (format == AGM_DRAW_MERMAID)
		draw_mermaid(&drawing, &out);
	else if (format == AGM_DRAW_DOT)
		draw_dot(&drawing, &out);
	else
		draw_json(&drawing, &out);
	return out.data;
}
