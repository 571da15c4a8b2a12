/*
 * attribute.c
 *		Attributes that a kind declares: do the values of a memory convert to their types?
 *
 * The input function of the type decides.  Rules: src/memory/README.md, "Typed attributes".
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "memory/memory.h"

/* The attribute that is being converted, for the error. */
typedef struct Conversion
{
	const AgmKindPolicy *kind;
	const AgmAttribute *attribute;
	char *value;
} Conversion;

static bool
takes_any_json(Oid type)
{
	Oid base = getBaseType(type);

	return base == JSONOID || base == JSONBOID;
}

/* The canonical name of a type that an attribute may have; raises if it may not. */
char *
agm_attribute_type(const char *name)
{
	Oid type;
	int32 typmod;
	Oid base;
	Oid element;

	agm_parse_type(name, &type, &typmod);
	element = get_element_type(type);
	base = getBaseType(OidIsValid(element) ? element : type);
	if (!get_typisdefined(base) || type_is_rowtype(base) ||
		get_typtype(base) == TYPTYPE_PSEUDO || OidIsValid(get_element_type(base)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("type %s cannot be that of an attribute", format_type_be(type)),
						errhint("Use a scalar type, an array of one, json or jsonb.")));
	return format_type_extended(type, typmod,
								FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
}

/* The looked-up parts live as long as the attribute. */
static void
resolve(AgmAttribute *attribute)
{
	Oid type;
	Oid element;
	Oid input;

	agm_parse_type(attribute->type_name, &type, &attribute->typmod);
	element = get_element_type(type);
	attribute->array = OidIsValid(element);
	attribute->type = attribute->array ? element : type;
	attribute->json = takes_any_json(attribute->type);
	getTypeInputInfo(attribute->type, &input, &attribute->io_param);
	fmgr_info_cxt(input, &attribute->input, GetMemoryChunkContext(attribute));
	attribute->resolved = true;
}

/* The JSON value as its type's input function is to read it. */
static char *
value_text(const JsonbValue *value, bool json)
{
	if (json && value->type != jbvBinary)
		return JsonbToCString(NULL, &JsonbValueToJsonb(unconstify(JsonbValue *, value))->root,
							  0);
	switch (value->type)
	{
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvNumeric:
			return DatumGetCString(
				DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		case jbvBinary:
			return JsonbToCString(NULL, value->val.binary.data, value->val.binary.len);
		default:
			return pstrdup("null");
	}
}

static char *
described_type(const AgmAttribute *attribute)
{
	char *name = format_type_with_typemod(attribute->type, attribute->typmod);

	return attribute->array ? psprintf("an array of %s", name) : name;
}

/* Long values are cut for the message. */
static char *
described_value(const char *value)
{
	int len = pg_mbcliplen(value, strlen(value), 100);

	return value[len] == '\0' ? pstrdup(value) : psprintf("%.*s...", len, value);
}

/* What a type's input function says of a value names neither attribute nor kind. */
static void
name_attribute(void *arg)
{
	const Conversion *conversion = arg;
	int category = ERRCODE_TO_CATEGORY(geterrcode());

	if (category != ERRCODE_DATA_EXCEPTION &&
		category != ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION)
		return;
	errmsg("attribute \"%s\" of kind \"%s\" must be %s, not \"%s\"",
		   conversion->attribute->name, conversion->kind->name,
		   described_type(conversion->attribute), described_value(conversion->value));
}

static void
convert(Conversion *conversion, AgmAttribute *attribute, const JsonbValue *value)
{
	ErrorContextCallback callback = {0};

	conversion->value = value_text(value, attribute->json);
	callback.callback = name_attribute;
	callback.arg = conversion;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	if (value->type == jbvBinary && !attribute->json)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("attribute \"%s\" must be a scalar", attribute->name)));
	(void) InputFunctionCall(&attribute->input, conversion->value, attribute->io_param,
							 attribute->typmod);
	error_context_stack = callback.previous;
}

static bool
is_array(const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data);
}

static void
convert_elements(Conversion *conversion, AgmAttribute *attribute, const JsonbValue *value)
{
	JsonbIterator *it = JsonbIteratorInit(value->val.binary.data);
	JsonbIteratorToken token;
	JsonbValue element;

	while ((token = JsonbIteratorNext(&it, &element, true)) != WJB_DONE)
		if (token == WJB_ELEM && element.type != jbvNull)
			convert(conversion, attribute, &element);
}

static void
check_attribute(const AgmKindPolicy *kind, AgmAttribute *attribute, Jsonb *attributes)
{
	JsonbValue buffer;
	JsonbValue *value = NULL;
	Conversion conversion = {kind, attribute, NULL};

	if (attributes != NULL)
		value = getKeyJsonValueFromContainer(&attributes->root, attribute->name,
											 strlen(attribute->name), &buffer);
	if (value == NULL || value->type == jbvNull)
	{
		if (attribute->required)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("attribute \"%s\" of kind \"%s\" is required",
								   attribute->name, kind->name),
							errhint("Give attributes => {\"%s\": ...}, of type %s.",
									attribute->name, attribute->type_name)));
		return;
	}
	if (!attribute->resolved)
		resolve(attribute);
	if (!attribute->array)
		convert(&conversion, attribute, value);
	else if (is_array(value))
		convert_elements(&conversion, attribute, value);
	else
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("attribute \"%s\" of kind \"%s\" must be %s, not \"%s\"",
							   attribute->name, kind->name, described_type(attribute),
							   described_value(value_text(value, false))),
						errhint("Give a JSON array.")));
}

void
agm_attributes_require_object(const Jsonb *attributes)
{
	if (!JB_ROOT_IS_OBJECT(attributes))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("attributes must be a JSON object"),
						errhint("For example {\"room\": \"kitchen\"}.")));
}

/*
 * Raises unless `attributes`, which may be NULL, has what the kind declares.  A row that comes to a
 * trigger has not been looked at by the table's CHECK.
 */
void
agm_attributes_check(const AgmKindPolicy *kind, Jsonb *attributes)
{
	ListCell *cell;

	if (attributes != NULL)
		agm_attributes_require_object(attributes);
	foreach (cell, kind->attributes)
		check_attribute(kind, lfirst(cell), attributes);
}
