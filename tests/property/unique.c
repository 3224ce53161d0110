/* No two identities share a name in any service. */
#include "compiler/contract/identity.h"
#include "tests/property/properties.h"

#define IDENTITIES 48

struct identity {
	const char *enclave, *name;
};

static char letter(struct rng *r)
{
	static const char letters[] = "aab10-";

	return letters[rng_below(r, sizeof(letters) - 1)];
}

/* A label of n characters; few different ones, so that near collisions are many. */
static char *label(struct tc_arena *mem, struct rng *r, size_t n)
{
	char *s = tc_alloc_text(mem, n + 1);

	for (size_t i = 0; i < n; i++)
		s[i] = letter(r);
	s[0] = s[0] == '-' ? 'a' : s[0];
	s[n - 1] = s[n - 1] == '-' ? 'a' : s[n - 1];
	s[n] = '\0';
	return s;
}

static size_t length(struct rng *r)
{
	static const size_t lengths[] = {1, 2, 3, 20, 24, 25, 28, 29, 30, 31, 57, 58, 62, 63};

	return lengths[rng_below(r, (unsigned)TC_COUNT(lengths))];
}

/* The neighbours of an identity: the boundary moved (a-b/c, a/b-c), the last byte changed, the halves exchanged. */
static size_t neighbours(struct tc_arena *mem, struct rng *r, struct identity *list)
{
	char *e = label(mem, r, length(r)), *n = label(mem, r, length(r)), *copy;
	const char *whole = tc_printf(mem, "%s-%s", e, n);
	size_t count = 0;

	list[count++] = (struct identity){e, n};
	list[count++] = (struct identity){n, e};
	for (size_t i = 1; whole[i] && whole[i + 1] && count < 6; i++) {
		const char *a = tc_strndup(mem, whole, i), *b = whole + i + 1;

		if (whole[i] == '-' && !tc_label_fault(mem, tc_str(a)) && !tc_label_fault(mem, tc_str(b)))
			list[count++] = (struct identity){a, b};
	}
	copy = tc_strdup(mem, n);
	copy[strlen(copy) - 1] = copy[strlen(copy) - 1] == '0' ? '1' : '0';
	list[count++] = (struct identity){e, copy};
	copy = tc_strdup(mem, e);
	copy[strlen(copy) - 1] = copy[strlen(copy) - 1] == 'b' ? 'c' : 'b';
	list[count++] = (struct identity){copy, n};
	return count;
}

struct derived {
	const char *value;
	const struct identity *of;
};

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct derived *)a)->value, ((const struct derived *)b)->value);
}

static bool same(const struct identity *a, const struct identity *b)
{
	return strcmp(a->enclave, b->enclave) == 0 && strcmp(a->name, b->name) == 0;
}

static const char *check_row(struct kase *k, const struct tc_service_config *service, const struct tc_value *row,
			     const struct identity *list, size_t n)
{
	struct derived derived[IDENTITIES];

	for (size_t i = 0; i < n; i++) {
		struct tc_subject s = {.mem = k->mem,
				       .config = k->platform.config,
				       .service = service,
				       .enclave = list[i].enclave,
				       .name = list[i].name,
				       .keys = k->platform.keys};

		derived[i] = (struct derived){.value = tc_value_of(&s, row), .of = &list[i]};
	}
	qsort(derived, n, sizeof(*derived), compare);
	for (size_t i = 1; i < n; i++)
		if (strcmp(derived[i - 1].value, derived[i].value) == 0 && !same(derived[i - 1].of, derived[i].of))
			return tc_printf(k->mem, "%s.%s is \"%s\" for %s/%s and for %s/%s", service->service->key,
					 row->name, derived[i].value, derived[i - 1].of->enclave,
					 derived[i - 1].of->name, derived[i].of->enclave, derived[i].of->name);
	return NULL;
}

const char *property_unique(struct kase *k)
{
	struct rng r = {.s = k->seed ^ 29};
	struct identity list[IDENTITIES];
	const struct tc_config *c = k->platform.config;
	const char *fault = NULL;
	size_t n = 0;

	while (n + 8 <= IDENTITIES)
		n += neighbours(k->mem, &r, &list[n]);
	for (size_t i = 0; i < c->nservices && !fault; i++)
		for (const struct tc_value *row = c->services[i].service->values; row->name && !fault; row++)
			if ((row->flags & TC_V_UNIQUE) || ((row->flags & TC_V_CREDENTIAL) && k->platform.keys))
				fault = check_row(k, &c->services[i], row, list, n);
	return fault;
}
