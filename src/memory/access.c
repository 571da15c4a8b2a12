/*
 * access.c
 *		The setting agentmem.namespace: a list of names, parted by commas.
 *
 * A name may stand in double quotes, which it must if it has a comma, a quote, or a blank at
 * an end; a quote in it is doubled.  Read in place for each namespace that is asked for.
 */
#include "postgres.h"

#include "utils/guc.h"

#include "base/guc.h"
#include "memory/access.h"

static char *namespaces = NULL;
static uint64 generation = 0;

/*
 * Reads the name at *list and goes to the next; says whether it is `ns`.  *valid is false if a
 * quote is not closed or followed by something else than a comma.
 */
static bool
match_name(const char **list, const char *ns, int len, bool *valid)
{
	const char *p = *list;
	int n = 0;
	bool same = true;

	*valid = true;
	while (*p == ' ')
		p++;
	if (*p == '"')
	{
		for (p++; *p != '\0' && (*p != '"' || p[1] == '"'); p += *p == '"' ? 2 : 1)
		{
			same = same && n < len && ns[n] == *p;
			n++;
		}
		*valid = *p == '"';
		p += *valid;
		while (*p == ' ')
			p++;
		*valid = *valid && (*p == ',' || *p == '\0');
	}
	else
	{
		const char *start = p;

		p += strcspn(p, ",");
		for (n = p - start; n > 0 && start[n - 1] == ' ';)
			n--;
		same = n == len && memcmp(start, ns, n) == 0;
	}
	*list = *p == ',' ? p + 1 : p;
	return *valid && same && n == len && len > 0;
}

bool
agm_access_listed(const char *ns, int len)
{
	const char *list = namespaces == NULL ? "" : namespaces;
	bool valid = true;

	while (*list != '\0' && valid)
		if (match_name(&list, ns, len, &valid))
			return true;
	return false;
}

uint64
agm_access_generation(void)
{
	return generation;
}

static bool
check_list(char **value, void **extra, GucSource source)
{
	const char *list = *value == NULL ? "" : *value;
	bool valid = true;

	(void) extra;
	(void) source;
	while (*list != '\0' && valid)
		(void) match_name(&list, "", 0, &valid);
	if (!valid)
		GUC_check_errdetail("A double quote is not closed, or a comma is missing after it.");
	return valid;
}

static void
assign_list(const char *value, void *extra)
{
	(void) value;
	(void) extra;
	generation++;
}

void
agm_access_init(void)
{
	DefineCustomStringVariable(
		AGM_GUC_CLASS ".namespace", "Sets the namespaces that row security by setting shows.",
		"Names parted by commas; one with a comma stands in double quotes. Empty: none.",
		&namespaces, "", PGC_USERSET, 0, check_list, assign_list, NULL);
}
