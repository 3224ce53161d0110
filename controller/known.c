#include "controller/known.h"

#include <pthread.h>

#include "controller/look.h"

#define RECORD_ARENA 512

/* One name. */
struct entry {
	const char *key; /* "shop/web"; all of an enclave stand together */
	unsigned kinds;  /* bits: workloads that live under it */
	unsigned listed; /* bits: seen by the list that is going on */
	long long generation;
	char *drift;
	struct tc_arena *mem; /* of the record; NULL: there is none */
	struct tc_record record;
};

struct tc_known {
	pthread_mutex_t lock;
	struct tc_queue *queue;
	struct entry **entries; /* sorted by key */
	size_t count, cap;
	char **enclaves; /* sorted */
	size_t nenclaves, enclaves_cap;
};

struct tc_known *tc_known_new(struct tc_queue *queue)
{
	struct tc_known *k = calloc(1, sizeof(*k));

	if (!k)
		tc_no_memory();
	pthread_mutex_init(&k->lock, NULL);
	k->queue = queue;
	return k;
}

static void entry_free(struct entry *e)
{
	tc_arena_free(e->mem);
	free(e->drift);
	free((char *)(uintptr_t)e->key);
	free(e);
}

void tc_known_free(struct tc_known *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->count; i++)
		entry_free(k->entries[i]);
	for (size_t i = 0; i < k->nenclaves; i++)
		free(k->enclaves[i]);
	free(k->entries);
	free(k->enclaves);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

/* --- the sorted lists --------------------------------------------------------------------------------------------- */

static void *grow(void *list, size_t count, size_t *cap, size_t size)
{
	void *bigger;

	if (count < *cap)
		return list;
	*cap = *cap ? 2 * *cap : 64;
	bigger = reallocarray(list, *cap, size);
	if (!bigger)
		tc_no_memory();
	return bigger;
}

/* Where a key is, or would be. */
static size_t place_of(const struct tc_known *k, const char *key, bool *found)
{
	size_t low = 0, high = k->count;

	*found = false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = strcmp(k->entries[mid]->key, key);

		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static char *key_of(const char *enclave, const char *name)
{
	char *key;

	if (asprintf(&key, "%s/%s", enclave, name) < 0)
		tc_no_memory();
	return key;
}

static struct entry *find(struct tc_known *k, const char *enclave, const char *name)
{
	char *key = key_of(enclave, name);
	bool found;
	size_t at = place_of(k, key, &found);

	free(key);
	return found ? k->entries[at] : NULL;
}

static struct entry *find_or_add(struct tc_known *k, const char *enclave, const char *name)
{
	char *key = key_of(enclave, name);
	bool found;
	size_t at = place_of(k, key, &found);
	struct entry *e;

	if (found) {
		free(key);
		return k->entries[at];
	}
	k->entries = grow(k->entries, k->count, &k->cap, sizeof(*k->entries));
	memmove(&k->entries[at + 1], &k->entries[at], (k->count - at) * sizeof(*k->entries));
	e = calloc(1, sizeof(*e));
	if (!e)
		tc_no_memory();
	e->key = key;
	k->entries[at] = e;
	k->count++;
	return e;
}

static size_t enclave_place(const struct tc_known *k, const char *ns, size_t len, bool *found)
{
	size_t i = 0;

	*found = false;
	for (; i < k->nenclaves; i++) {
		int c = strncmp(k->enclaves[i], ns, len);

		if (c == 0 && !k->enclaves[i][len])
			*found = true;
		if (c > 0 || *found || (c == 0 && k->enclaves[i][len]))
			break;
	}
	return i;
}

static bool is_in_enclave(const struct tc_known *k, const struct entry *e)
{
	bool found;

	enclave_place(k, e->key, strcspn(e->key, "/"), &found);
	return found;
}

/* Soon, not at once: what comes together is one look. */
#define SOON 0.05
/* A ConfigMap and its workload come one after the other. */
#define A_MOMENT 1.0

static void look_at(struct tc_known *k, const struct entry *e, double after)
{
	if (e->mem || (e->kinds && is_in_enclave(k, e)))
		tc_queue_renew(k->queue, e->key, tc_queue_now() + after);
}

static void look_at_namespace(struct tc_known *k, const char *ns, double after)
{
	size_t len = strlen(ns);
	bool found;

	for (size_t i = place_of(k, ns, &found); i < k->count; i++) {
		if (strncmp(k->entries[i]->key, ns, len) != 0)
			break;
		if (k->entries[i]->key[len] == '/')
			look_at(k, k->entries[i], after);
	}
}

/* --- what the watches say ----------------------------------------------------------------------------------------- */

void tc_known_list_begins(struct tc_known *k, unsigned kind)
{
	pthread_mutex_lock(&k->lock);
	for (size_t i = 0; i < k->count; i++)
		k->entries[i]->listed &= ~(1u << kind);
	pthread_mutex_unlock(&k->lock);
}

/* Names come and go; what has neither workload nor record is let go when a list ends. */
static void drop_empty(struct tc_known *k)
{
	size_t kept = 0;

	for (size_t i = 0; i < k->count; i++) {
		struct entry *e = k->entries[i];

		if (e->kinds || e->mem)
			k->entries[kept++] = e;
		else
			entry_free(e);
	}
	k->count = kept;
}

void tc_known_list_ended(struct tc_known *k, unsigned kind)
{
	unsigned bit = 1u << kind;

	pthread_mutex_lock(&k->lock);
	for (size_t i = 0; i < k->count; i++) {
		struct entry *e = k->entries[i];

		if ((e->kinds & bit) && !(e->listed & bit)) {
			e->kinds &= ~bit;
			look_at(k, e, SOON);
		}
	}
	drop_empty(k);
	pthread_mutex_unlock(&k->lock);
}

void tc_known_workload(struct tc_known *k, unsigned kind, const char *ns, const char *name, bool there)
{
	unsigned bit = 1u << kind;
	struct entry *e;

	pthread_mutex_lock(&k->lock);
	e = find_or_add(k, ns, name);
	e->kinds = there ? e->kinds | bit : e->kinds & ~bit;
	e->listed |= bit;
	look_at(k, e, SOON);
	pthread_mutex_unlock(&k->lock);
}

void tc_known_enclave(struct tc_known *k, const char *ns, bool is)
{
	bool found;
	size_t at;

	pthread_mutex_lock(&k->lock);
	at = enclave_place(k, ns, strlen(ns), &found);
	if (found && !is) {
		free(k->enclaves[at]);
		memmove(&k->enclaves[at], &k->enclaves[at + 1], (--k->nenclaves - at) * sizeof(*k->enclaves));
	} else if (!found && is) {
		k->enclaves = grow(k->enclaves, k->nenclaves, &k->enclaves_cap, sizeof(*k->enclaves));
		memmove(&k->enclaves[at + 1], &k->enclaves[at], (k->nenclaves++ - at) * sizeof(*k->enclaves));
		k->enclaves[at] = strdup(ns);
		if (!k->enclaves[at])
			tc_no_memory();
	}
	if (found != is)
		look_at_namespace(k, ns, SOON);
	pthread_mutex_unlock(&k->lock);
}

static void copy_record(struct entry *e, const struct tc_record *r)
{
	struct tc_record_service *services;

	tc_arena_free(e->mem);
	e->mem = tc_arena_new(RECORD_ARENA);
	services = tc_alloc(e->mem, r->nservices * sizeof(*services));
	e->record = (struct tc_record){
		.enclave = tc_strdup(e->mem, r->enclave),
		.name = tc_strdup(e->mem, r->name),
		.kind = tc_strdup(e->mem, r->kind),
		.epoch = r->epoch,
		.phase = r->phase,
		.services = services,
		.nservices = r->nservices,
	};
	for (size_t i = 0; i < r->nservices; i++) {
		const char **consumes = tc_alloc(e->mem, r->services[i].nconsumes * sizeof(*consumes));

		services[i] = r->services[i];
		services[i].service = tc_strdup(e->mem, r->services[i].service);
		services[i].consumes = consumes;
		for (size_t j = 0; j < r->services[i].nconsumes; j++)
			consumes[j] = tc_strdup(e->mem, r->services[i].consumes[j]);
	}
}

void tc_known_record(struct tc_known *k, const char *enclave, const char *name, const struct tc_record *r)
{
	struct entry *e;

	pthread_mutex_lock(&k->lock);
	e = find_or_add(k, enclave, name);
	if (r) {
		copy_record(e, r);
		look_at(k, e, A_MOMENT); /* mostly our own writing */
	} else if (e->mem) {
		look_at(k, e, SOON);
		tc_arena_free(e->mem);
		e->mem = NULL;
		e->record = (struct tc_record){0};
	}
	pthread_mutex_unlock(&k->lock);
}

void tc_known_contract(struct tc_known *k, const char *ns, const char *name, const char *tentacle)
{
	size_t len = strlen(name);
	struct entry *e;
	char *own;

	pthread_mutex_lock(&k->lock);
	if (!tentacle) {
		look_at_namespace(k, ns, A_MOMENT);
	} else if (tentacle[0]) {
		e = find(k, ns, tentacle);
		if (e)
			look_at(k, e, A_MOMENT);
	}
	if (len > 5 && strcmp(name + len - 5, "-code") == 0) {
		own = strndup(name, len - 5);
		if (!own)
			tc_no_memory();
		e = find(k, ns, own);
		free(own);
		if (e)
			look_at(k, e, A_MOMENT);
	}
	pthread_mutex_unlock(&k->lock);
}

static void set_drift(struct tc_known *k, struct entry *e, const char *what)
{
	if (!e->mem || e->record.phase != TC_PHASE_REGISTERED)
		return;
	free(e->drift);
	e->drift = strdup(what);
	if (!e->drift)
		tc_no_memory();
	look_at(k, e, SOON);
}

void tc_known_policy(struct tc_known *k, const char *ns, const char *release, long long generation)
{
	struct entry *e;

	pthread_mutex_lock(&k->lock);
	e = find(k, ns, release);
	if (e && e->generation && generation != e->generation)
		set_drift(k, e, generation ? "its NetworkPolicy was changed" : "its NetworkPolicy was deleted");
	if (e)
		e->generation = generation;
	pthread_mutex_unlock(&k->lock);
}

void tc_known_drift(struct tc_known *k, const char *enclave, const char *name, const char *what)
{
	struct entry *e;

	pthread_mutex_lock(&k->lock);
	e = find(k, enclave, name);
	if (e)
		set_drift(k, e, what);
	pthread_mutex_unlock(&k->lock);
}

/* --- what workers ask --------------------------------------------------------------------------------------------- */

void tc_known_ask(struct tc_known *k, const char *key, struct tc_arena *mem, struct tc_reconcile_ask *ask)
{
	size_t len = strcspn(key, "/");
	unsigned kinds = 0, other;
	bool found;
	size_t at;

	*ask = (struct tc_reconcile_ask){.enclave = tc_strndup(mem, key, len), .name = tc_strdup(mem, key + len + 1)};
	pthread_mutex_lock(&k->lock);
	at = place_of(k, key, &found);
	if (found) {
		struct entry *e = k->entries[at];
		const struct tc_workload_kind *own = e->mem ? tc_workload_kind(e->record.kind) : NULL;

		kinds = e->kinds;
		/* the record's own is looked for anyway */
		other = own ? kinds & ~(1u << tc_workload_row(own)) : kinds;
		kinds = other ? other : kinds;
		ask->drift = e->drift ? tc_strdup(mem, e->drift) : NULL;
		free(e->drift);
		e->drift = NULL;
	}
	pthread_mutex_unlock(&k->lock);
	if (kinds)
		ask->kind = tc_workload_kind_at((unsigned)__builtin_ctz(kinds))->kind;
}

void tc_known_look_at_all(struct tc_known *k)
{
	pthread_mutex_lock(&k->lock);
	for (size_t i = 0; i < k->count; i++)
		look_at(k, k->entries[i], SOON);
	pthread_mutex_unlock(&k->lock);
}

struct tc_want *tc_known_wants(struct tc_known *k, const char *service, struct tc_arena *mem, size_t *n)
{
	struct tc_want *wants;

	*n = 0;
	pthread_mutex_lock(&k->lock);
	wants = tc_alloc(mem, (k->count + 1) * sizeof(*wants));
	for (size_t i = 0; i < k->count; i++) {
		const struct entry *e = k->entries[i];

		for (size_t s = 0; e->mem && s < e->record.nservices; s++) {
			const struct tc_record_service *of = &e->record.services[s];
			const char **consumes;

			if (strcmp(of->service, service) != 0 || of->phase != TC_PHASE_REGISTERED ||
			    e->record.phase != TC_PHASE_REGISTERED)
				continue;
			consumes = tc_alloc(mem, of->nconsumes * sizeof(*consumes));
			for (size_t j = 0; j < of->nconsumes; j++)
				consumes[j] = tc_strdup(mem, of->consumes[j]);
			wants[(*n)++] = (struct tc_want){.enclave = tc_strdup(mem, e->record.enclave),
							 .name = tc_strdup(mem, e->record.name),
							 .epoch = e->record.epoch,
							 .consumes = consumes,
							 .nconsumes = of->nconsumes};
		}
	}
	pthread_mutex_unlock(&k->lock);
	return wants;
}

size_t tc_known_records(struct tc_known *k, size_t by_phase[TC_PHASE_DESTROYED + 1])
{
	size_t n = 0;

	memset(by_phase, 0, (TC_PHASE_DESTROYED + 1) * sizeof(*by_phase));
	pthread_mutex_lock(&k->lock);
	for (size_t i = 0; i < k->count; i++) {
		if (k->entries[i]->mem) {
			by_phase[k->entries[i]->record.phase]++;
			n++;
		}
	}
	pthread_mutex_unlock(&k->lock);
	return n;
}
