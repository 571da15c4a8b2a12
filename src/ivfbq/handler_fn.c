/*
 * handler_fn.c
 *		What SQL calls for the access method: its handler, and what the operator classes say of
 *		their types.
 */
#include "postgres.h"

#include "access/amapi.h"
#include "base/compat.h"
#include "commands/vacuum.h"
#include "ivfbq/build.h"
#include "ivfbq/cost.h"
#include "ivfbq/insert.h"
#include "ivfbq/meta.h"
#include "ivfbq/options.h"
#include "ivfbq/scan.h"
#include "ivfbq/vacuum.h"
#include "ivfbq/validate.h"
#include "vector/halfvec.h"
#include "vector/kernels.h"
#include "vector/vector.h"

PG_FUNCTION_INFO_V1(agm_fn_ivfbq_handler);
PG_FUNCTION_INFO_V1(agm_fn_ivfbq_vector_cosine);
PG_FUNCTION_INFO_V1(agm_fn_ivfbq_vector_l2);
PG_FUNCTION_INFO_V1(agm_fn_ivfbq_vector_ip);
PG_FUNCTION_INFO_V1(agm_fn_ivfbq_halfvec_cosine);
PG_FUNCTION_INFO_V1(agm_fn_ivfbq_halfvec_l2);
PG_FUNCTION_INFO_V1(agm_fn_ivfbq_halfvec_ip);

static char *
phase_name(int64 phase)
{
	switch (phase)
	{
		case PROGRESS_IVFBQ_PHASE_LOADING:
			return "loading tuples";
		case PROGRESS_IVFBQ_PHASE_SORTING:
			return "sorting";
		case PROGRESS_IVFBQ_PHASE_KMEANS:
			return "finding clusters";
		case PROGRESS_IVFBQ_PHASE_ASSIGNING:
			return "assigning to clusters";
		case PROGRESS_IVFBQ_PHASE_WRITING:
			return "writing pages";
		case PROGRESS_IVFBQ_PHASE_CALIBRATING:
			return "calibrating recall";
		case PROGRESS_IVFBQ_PHASE_LOGGING:
			return "writing WAL";
		case 1:
			return "initializing";
		default:
			return NULL;
	}
}

Datum
agm_fn_ivfbq_handler(PG_FUNCTION_ARGS)
{
	IndexAmRoutine *am = makeNode(IndexAmRoutine);

	am->amstrategies = IVFBQ_STRATEGIES;
	am->amsupport = IVFBQ_PROCS;
	am->amcanorderbyop = true;
	am->amcanmulticol = true;
	am->amoptionalkey = true;
	am->amsearcharray = true;
	am->amusemaintenanceworkmem = true;
	am->amparallelvacuumoptions =
		VACUUM_OPTION_PARALLEL_BULKDEL | VACUUM_OPTION_PARALLEL_CLEANUP;

	agm_set_can_build_parallel(am);
	am->ambuild = ivfbqbuild;
	am->ambuildempty = ivfbqbuildempty;
	am->aminsert = ivfbqinsert;
	am->ambulkdelete = ivfbqbulkdelete;
	am->amvacuumcleanup = ivfbqvacuumcleanup;
	am->amcostestimate = ivfbqcostestimate;
	am->amoptions = ivfbqoptions;
	am->ambuildphasename = phase_name;
	am->amvalidate = ivfbqvalidate;
	am->ambeginscan = ivfbqbeginscan;
	am->amrescan = ivfbqrescan;
	am->amgettuple = ivfbqgettuple;
	am->amendscan = ivfbqendscan;

	PG_RETURN_POINTER(am);
}

/* ---------------------------------------------------------------- types of vectors */

static const float *
vector_floats(Datum value, int *dim)
{
	AgmVector vector = DatumGetAgmVector(value);

	*dim = vector->dim;
	return vector->x;
}

static const float *
halfvec_floats(Datum value, int *dim)
{
	AgmHalfvec halfvec = DatumGetAgmHalfvec(value);
	float *x = palloc(sizeof(float) * halfvec->dim);

	*dim = halfvec->dim;
	agm_kernels->half_to_float(halfvec->x, x, halfvec->dim);
	return x;
}

#define TYPE_FUNCTION(name, floats_of, metric_of)                                              \
	Datum agm_fn_ivfbq_##name(PG_FUNCTION_ARGS)                                                \
	{                                                                                          \
		static const IvfbqType type = {.metric = metric_of,                                    \
									   .max_dim = IVFBQ_MAX_DIM,                               \
									   .typmod_is_dim = true,                                  \
									   .floats = floats_of};                                   \
                                                                                               \
		PG_RETURN_POINTER(&type);                                                              \
	}

TYPE_FUNCTION(vector_cosine, vector_floats, IVFBQ_COSINE)
TYPE_FUNCTION(vector_l2, vector_floats, IVFBQ_L2)
TYPE_FUNCTION(vector_ip, vector_floats, IVFBQ_IP)
TYPE_FUNCTION(halfvec_cosine, halfvec_floats, IVFBQ_COSINE)
TYPE_FUNCTION(halfvec_l2, halfvec_floats, IVFBQ_L2)
TYPE_FUNCTION(halfvec_ip, halfvec_floats, IVFBQ_IP)
