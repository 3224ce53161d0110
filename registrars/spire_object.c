#include "registrars/spire.h"

#include "compiler/transform/object.h"
#include "compiler/transform/stage.h"

/* --- the object ------------------------------------------------------------------------------------------------------
 */

const char *tc_spire_name(struct tc_spire *s, const struct tc_want *want)
{
	struct tc_subject subject = {.mem = s->mem,
				     .config = s->conf.config,
				     .service = s->conf.service,
				     .enclave = want->enclave,
				     .name = want->name};

	return tc_value_named(&subject, "clusterspiffeid");
}

const char *tc_spire_path(struct tc_spire *s, const struct tc_want *want)
{
	return tc_kube_path(s->mem, TC_SPIRE_OBJECTS "/%s", tc_spire_name(s, want));
}

int tc_spire_make(struct tc_spire *s, json_t **out, const struct tc_want *want, struct tc_error *err)
{
	static const struct tc_limits limits = TC_LIMITS_REQUEST;
	const char *text = tc_printf(s->mem, "{\"name\":\"%s\",\"contract\":{\"dependencies\":{\"%s\":null}}}",
				     want->name, s->conf.service->service->dependency);
	struct tc_source src = {.name = "contract", .text = tc_str(text)};
	const struct tc_source *sources = &src;
	struct tc_diags diags = {.mem = s->mem};
	struct tc_stage stage = {.config = s->conf.config, .enclave = want->enclave, .limits = &limits, .wants = true};
	struct tc_result *result;

	*out = NULL;
	if (tc_compile(&result, s->mem, &sources, 1, &stage, &diags, err) < 0)
		return -1;
	if (diags.errors)
		return tc_fail(err, TC_E_REJECTED, "spire: %s/%s: %s", want->enclave, want->name, diags.list[0]->text);
	for (size_t i = 0; result->nwants && i < result->wants->nobjects; i++) {
		const struct tc_wanted_object *o = &result->wants->objects[i];

		if (!o->ns)
			*out = json_loadb(o->json.s, o->json.len, 0, NULL);
	}
	return *out ? 0
		    : tc_fail(err, TC_E_BUG, "spire: the stage made no object for %s/%s", want->enclave, want->name);
}

static const char *text_at(const json_t *object, const char *map, const char *key)
{
	return json_string_value(json_object_get(json_object_get(json_object_get(object, "metadata"), map), key));
}

static bool is(const char *text, const char *wanted)
{
	return text && strcmp(text, wanted) == 0;
}

/* Why it is not ours; NULL: it is. Without an installation's mark it was applied from compiled manifests. */
const char *tc_spire_foreign(struct tc_spire *s, const json_t *object, const char *name, const char *tentacle)
{
	const char *installation = text_at(object, "annotations", TC_SPIRE_INSTALLATION);

	if (!is(text_at(object, "labels", TC_LABEL_EXOSKELETON), "true") ||
	    !is(text_at(object, "labels", TC_LABEL_RELEASE), tentacle))
		return tc_printf(s->mem, "ClusterSPIFFEID \"%s\" is there and was not made by tentc", name);
	if (installation && strcmp(installation, s->conf.config->installation) != 0)
		return tc_printf(s->mem, "ClusterSPIFFEID \"%s\" belongs to the installation %s, this one is \"%s\"",
				 name, tc_quote(s->mem, tc_str(installation)), s->conf.config->installation);
	return NULL;
}

int tc_spire_refuse(const char *why, struct tc_error *err)
{
	return tc_fail(err, TC_E_REJECTED,
		       "spire: %s; it was left as it is: give this installation a cluster of its own, or delete it by "
		       "hand",
		       why);
}

int tc_spire_look(struct tc_spire *s, struct tc_spire_seen *out, const struct tc_want *want, struct tc_error *err)
{
	struct tc_kube_error failed = {0};
	const char *name = tc_spire_name(s, want);

	*out = (struct tc_spire_seen){0};
	if (tc_kube_get(s->kube, &out->object, tc_spire_path(s, want), &failed) == 0) {
		out->foreign = tc_spire_foreign(s, out->object, name, want->name);
		return 0;
	}
	if (failed.status == 404 && is(failed.reason, "NotFound"))
		return 0;
	return tc_spire_fail(err, tc_printf(s->mem, "look for ClusterSPIFFEID %s", name), &failed);
}

/* --- what differs ----------------------------------------------------------------------------------------------------
 */

/* null, false, "", 0, [] and {} are what the API means by leaving a field out. */
static bool says_nothing(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return json_object_size(value) == 0;
	case JSON_ARRAY:
		return json_array_size(value) == 0;
	case JSON_STRING:
		return json_string_length(value) == 0;
	case JSON_INTEGER:
		return json_integer_value(value) == 0;
	case JSON_REAL:
	case JSON_TRUE:
		return false;
	case JSON_FALSE:
	case JSON_NULL:
		return true;
	}
	return false;
}

static const char *shown(struct tc_spire *s, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
	const char *quoted = json_is_string(value) ? tc_quote(s->mem, tc_str(json_string_value(value)))
						   : tc_printf(s->mem, "%.200s", text ? text : "nothing");

	free(text);
	return quoted;
}

void tc_spire_compare(struct tc_spire *s, struct tc_observed *out, const json_t *there, const json_t *wanted)
{
	const json_t *spec = json_object_get(there, "spec"), *ours = json_object_get(wanted, "spec"), *other;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)ours, key, value)
	{
		other = json_object_get(spec, key);
		if (!other)
			tc_observed_add(out, "ClusterSPIFFEID has no %s, it should be %s", key, shown(s, value));
		else if (!json_equal(other, value))
			tc_observed_add(out, "ClusterSPIFFEID has %s %s, it should be %s", key, shown(s, other),
					shown(s, value));
	}
	json_object_foreach((json_t *)(uintptr_t)spec, key, value)
	{
		if (!json_object_get(ours, key) && !says_nothing(value))
			tc_observed_add(out, "ClusterSPIFFEID has %s %s, which tentc does not set", key,
					shown(s, value));
	}
	if (!text_at(there, "annotations", TC_SPIRE_INSTALLATION))
		tc_observed_add(out, "ClusterSPIFFEID does not say which installation it belongs to");
}

json_int_t tc_spire_stat(const json_t *object, const char *name)
{
	const json_t *stats = json_object_get(json_object_get(object, "status"), "stats");

	return json_integer_value(json_object_get(stats, name));
}

const char *tc_spire_failure(struct tc_spire *s, const json_t *object)
{
	long long pods = tc_spire_stat(object, "podsSelected"),
		  render = tc_spire_stat(object, "podEntryRenderFailures"),
		  entries = tc_spire_stat(object, "entryFailures"), masked = tc_spire_stat(object, "entriesMasked");
	const char *id = json_string_value(json_object_get(json_object_get(object, "spec"), "spiffeIDTemplate"));

	if (render > 0)
		return tc_printf(s->mem,
				 "the identity of %lld of %lld pods could not be made: %s is refused, most often since "
				 "the trust domain is not the SPIRE server's; see services.spire.trustDomain",
				 render, pods, id ? id : "the identity");
	if (entries > 0)
		return tc_printf(s->mem,
				 "the SPIRE server refused %lld entries; the log of spire-controller-manager says why",
				 entries);
	if (masked > 0)
		return tc_printf(s->mem,
				 "%lld entries are masked by another ClusterSPIFFEID that selects the same pods",
				 masked);
	return NULL;
}
