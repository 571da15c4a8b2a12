/*
 * json.c
 *		From a JSON object to the arguments of remember().
 *
 * Decides which JSON type each argument accepts; what the values mean is input.c's.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "memory/json.h"
#include "vector/vector.h"

pg_noreturn static void
wrong_type(AgmField field, const char *expected)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("\"%s\" must be %s", agm_field_name(field), expected),
					errhint("Keys and values are those of agentmem.remember().")));
	pg_unreachable();
}

static Datum
string_datum(const JsonbValue *value)
{
	return PointerGetDatum(
		cstring_to_text_with_len(value->val.string.val, value->val.string.len));
}

/* The elements of an array as they stand; fails unless `value` is one. */
static int
array_elements(AgmField field, const JsonbValue *value, JsonbValue **elements,
			   const char *expected)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue element;
	int n = 0;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data) ||
		JsonContainerIsScalar(value->val.binary.data))
		wrong_type(field, expected);
	*elements = palloc(sizeof(JsonbValue) * Max(JsonContainerSize(value->val.binary.data), 1));
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &element, true)) != WJB_DONE)
		if (token == WJB_ELEM)
			(*elements)[n++] = element;
	return n;
}

/* Rounded to the nearest real, as the text of it would be; too large is an error. */
static float4
number(AgmField field, const JsonbValue *value)
{
	float8 wide = DatumGetFloat8(
		DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value->val.numeric)));
	float4 result = (float4) wide;

	if (isinf(result))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("\"%s\" has a number that is out of range for type real",
							   agm_field_name(field)),
						errhint("Numbers are at most about 3.4e38.")));
	return result;
}

static Datum
vector_datum(AgmField field, const JsonbValue *value)
{
	JsonbValue *elements;
	AgmVector result;
	int n;

	if (value->type == jbvString)
	{
		Oid type = agm_field_type(field);
		Oid input;
		Oid io_param;

		getTypeInputInfo(type, &input, &io_param);
		return OidInputFunctionCall(
			input, pnstrdup(value->val.string.val, value->val.string.len), io_param, -1);
	}
	n = array_elements(field, value, &elements, "an array of numbers");
	if (n < 1 || n > AGM_VECTOR_MAX_DIM)
		ereport(ERROR,
				(errcode(n < 1 ? ERRCODE_DATA_EXCEPTION : ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("\"%s\" must have 1 to %d dimensions, not %d", agm_field_name(field),
						AGM_VECTOR_MAX_DIM, n),
				 errhint("Leave it out, or null, where there is no embedding.")));
	result = agm_vector_new(n);
	for (int i = 0; i < n; i++)
	{
		if (elements[i].type != jbvNumeric)
			wrong_type(field, "an array of numbers");
		result->x[i] = number(field, &elements[i]);
	}
	return PointerGetDatum(result);
}

static Datum
text_array_datum(AgmField field, const JsonbValue *value)
{
	JsonbValue *elements;
	int n = array_elements(field, value, &elements, "an array of strings");
	Datum *items = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
	{
		if (elements[i].type != jbvString)
			wrong_type(field, "an array of strings");
		items[i] = string_datum(&elements[i]);
	}
	return PointerGetDatum(construct_array(items, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* SQL's cast would round, and quietly name another memory. */
static Datum
int8_datum(AgmField field, const JsonbValue *value)
{
	Datum number;
	Datum whole;

	if (value->type != jbvNumeric)
		wrong_type(field, "a whole number");
	number = NumericGetDatum(value->val.numeric);
	whole = DirectFunctionCall2(numeric_trunc, number, Int32GetDatum(0));
	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, whole, number)))
		wrong_type(field, "a whole number");
	return DirectFunctionCall1(numeric_int8, whole);
}

static Datum
field_datum(AgmField field, const JsonbValue *value)
{
	switch (agm_field_type(field))
	{
		case TEXTOID:
			if (value->type != jbvString)
				wrong_type(field, "a string");
			return string_datum(value);
		case TIMESTAMPTZOID:
			if (value->type != jbvString)
				wrong_type(field, "a string with a timestamp");
			return DirectFunctionCall3(
				timestamptz_in,
				CStringGetDatum(pnstrdup(value->val.string.val, value->val.string.len)),
				ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
		case FLOAT4OID:
			if (value->type != jbvNumeric)
				wrong_type(field, "a number");
			return Float4GetDatum(number(field, value));
		case INT8OID:
			return int8_datum(field, value);
		case BOOLOID:
			if (value->type != jbvBool)
				wrong_type(field, "true or false");
			return BoolGetDatum(value->val.boolean);
		case TEXTARRAYOID:
			return text_array_datum(field, value);
		case JSONBOID:
			return JsonbPGetDatum(JsonbValueToJsonb(unconstify(JsonbValue *, value)));
		default:
			return vector_datum(field, value);
	}
}

static void
check_same_namespace(const JsonbValue *value, Datum ns)
{
	text *expected = DatumGetTextPP(ns);

	if (value->type != jbvString ||
		value->val.string.len != (int) VARSIZE_ANY_EXHDR(expected) ||
		memcmp(value->val.string.val, VARDATA_ANY(expected), value->val.string.len) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a batch has one namespace, \"%s\"", TextDatumGetCString(ns)),
						errhint("Call remember_many once for each namespace.")));
}

void
agm_memory_from_json(AgmMemory *memory, const JsonbValue *element, Datum ns)
{
	agm_memory_init(memory);
	agm_memory_read_json(memory, element, ns);
}

void
agm_memory_read_json(AgmMemory *memory, const JsonbValue *element, Datum ns)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue item;
	int field = -1;
	bool is_namespace = false;

	if (element->type != jbvBinary || !JsonContainerIsObject(element->val.binary.data))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a memory must be a JSON object"),
						errhint("For example {\"content\": \"The kettle is blue\"}.")));
	it = JsonbIteratorInit(element->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			const char *name = item.val.string.val;
			int len = item.val.string.len;

			is_namespace = len == 9 && memcmp(name, "namespace", 9) == 0;
			field = agm_field_by_name(name, len);
			if (field < 0 && !is_namespace)
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
								errmsg("unknown key \"%s\"", pnstrdup(name, len)),
								errhint("Keys are the arguments of agentmem.remember(); others "
										"belong into \"attributes\".")));
		}
		else if (token == WJB_VALUE && is_namespace)
			check_same_namespace(&item, ns);
		else if (token == WJB_VALUE && item.type != jbvNull)
		{
			memory->value[field] = field_datum(field, &item);
			memory->isnull[field] = false;
		}
	}
}

Jsonb *
agm_json_pair(const char *name, Datum value)
{
	AgmJsonState state = {0};
	JsonbValue item;
	text *string = DatumGetTextPP(value);

	agm_push_json(&state, WJB_BEGIN_OBJECT, NULL);
	item.type = jbvString;
	item.val.string.val = pstrdup(name);
	item.val.string.len = strlen(name);
	agm_push_json(&state, WJB_KEY, &item);
	item.val.string.val = VARDATA_ANY(string);
	item.val.string.len = VARSIZE_ANY_EXHDR(string);
	agm_push_json(&state, WJB_VALUE, &item);
	agm_push_json(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(state.result);
}
