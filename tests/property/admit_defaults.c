/* What the API server adds to a workload by itself: written down here once more, beside the compiler's table. */
#include "tests/property/admit.h"

static void set_new(json_t *map, const char *key, json_t *value)
{
	if (json_is_object(map) && !json_object_get(map, key))
		json_object_set(map, key, value);
	json_decref(value);
}

static void default_fields(json_t *items)
{
	size_t i;
	json_t *item;

	json_array_foreach(items, i, item) set_new(json_object_get(item, "fieldRef"), "apiVersion", json_string("v1"));
}

static void default_volume(json_t *volume)
{
	static const char *const sources[] = {"secret", "configMap", "downwardAPI", "projected"};
	json_t *projected = json_object_get(json_object_get(volume, "projected"), "sources"), *source;
	size_t i;

	for (i = 0; i < TC_COUNT(sources); i++)
		set_new(json_object_get(volume, sources[i]), "defaultMode", json_integer(0644));
	default_fields(json_object_get(json_object_get(volume, "downwardAPI"), "items"));
	json_array_foreach(projected, i, source)
	{
		default_fields(json_object_get(json_object_get(source, "downwardAPI"), "items"));
		set_new(json_object_get(source, "serviceAccountToken"), "expirationSeconds", json_integer(3600));
	}
}

static void default_container(json_t *container)
{
	set_new(container, "terminationMessagePath", json_string("/dev/termination-log"));
	set_new(container, "terminationMessagePolicy", json_string("File"));
	set_new(container, "imagePullPolicy", json_string("IfNotPresent")); /* the generator's images have a tag */
	set_new(container, "resources", json_object());
}

static void default_pod(json_t *spec)
{
	json_t *item;
	size_t i;

	set_new(spec, "restartPolicy", json_string("Always"));
	set_new(spec, "terminationGracePeriodSeconds", json_integer(30));
	set_new(spec, "dnsPolicy", json_string("ClusterFirst"));
	set_new(spec, "securityContext", json_object());
	set_new(spec, "schedulerName", json_string("default-scheduler"));
	json_array_foreach(json_object_get(spec, "volumes"), i, item) default_volume(item);
	json_array_foreach(json_object_get(spec, "containers"), i, item) default_container(item);
	json_array_foreach(json_object_get(spec, "initContainers"), i, item) default_container(item);
}

void admission_defaults(json_t *object)
{
	const char *kind = json_string_value(json_object_get(object, "kind"));
	json_t *spec = json_object_get(object, "spec");

	if (kind && strcmp(kind, "CronJob") == 0)
		spec = json_object_get(json_object_get(spec, "jobTemplate"), "spec");
	if (kind && strcmp(kind, "Pod") != 0)
		spec = json_object_get(json_object_get(spec, "template"), "spec");
	if (spec)
		default_pod(spec);
}
