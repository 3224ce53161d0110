#include "compiler/contract/catalogue.h"

#include "compiler/contract/services.h"

const struct tc_service *const tc_services[] = {
	&tc_service_postgres, &tc_service_rustfs, &tc_service_nats, &tc_service_spire, NULL,
};

const struct tc_service *tc_service_of(struct tc_str dependency)
{
	for (size_t i = 0; tc_services[i]; i++) {
		const struct tc_service *service = tc_services[i];

		if (tc_str_is(dependency, service->dependency))
			return service;
		if (service->alias && tc_str_is(dependency, service->alias))
			return service;
	}
	return NULL;
}

const char *const *tc_dependency_names(struct tc_arena *mem, size_t *count)
{
	const char **names = tc_alloc(mem, 2 * TC_SERVICES_MAX * sizeof(char *));

	*count = 0;
	for (size_t i = 0; tc_services[i]; i++) {
		names[(*count)++] = tc_services[i]->dependency;
		if (tc_services[i]->alias)
			names[(*count)++] = tc_services[i]->alias;
	}
	return names;
}

const char *const *tc_credential_keys(struct tc_arena *mem)
{
	const char **keys = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; tc_services[i]; i++) {
		const char *names[] = {tc_services[i]->dependency, tc_services[i]->alias};

		for (size_t k = 0; k < TC_COUNT(names) && names[k]; k++)
			for (const struct tc_value *v = tc_services[i]->values; v->name; v++) {
				if (!(v->flags & TC_V_CREDENTIAL))
					continue;
				tc_grow(mem, keys, n, cap);
				keys[n++] = tc_printf(mem, "%s.%s", names[k], v->name);
			}
	}
	tc_grow(mem, keys, n, cap);
	keys[n] = NULL;
	return keys;
}

static const char *derived_credential(const struct tc_subject *s, const char *field)
{
	char *text = tc_alloc_text(s->mem, TC_CREDENTIAL_LEN + 1);

	tc_credential_derive(s->keys, s->config->key_id,
			     &(struct tc_credential){.service = s->service->service->key,
						     .field = field,
						     .installation = s->config->installation,
						     .enclave = s->enclave,
						     .name = s->name,
						     .epoch = s->epoch},
			     text);
	return text;
}

const char *tc_template_check(const struct tc_subject *s)
{
	const struct tc_setting *row = s->service->service->settings;

	for (size_t i = 0; row[i].name; i++) {
		const char *value, *fault;

		if (row[i].type != TC_SETTING_TEMPLATE || !row[i].fault || !strchr(s->service->settings[i], '{'))
			continue;
		value = tc_template_expand(s->mem, s->service->settings[i], s->enclave);
		fault = row[i].fault(s->mem, value);
		if (fault)
			return tc_printf(s->mem, "services.%s.%s \"%s\" gives \"%s\", which %s",
					 s->service->service->key, row[i].name, s->service->settings[i], value, fault);
	}
	return NULL;
}

const char *tc_value_of(const struct tc_subject *s, const struct tc_value *row)
{
	bool credential = row->flags & TC_V_CREDENTIAL;

	if (credential && !s->keys)
		return NULL;
	if (row->value)
		return row->value(s);
	return credential ? derived_credential(s, row->name) : s->service->service->protocols[0];
}

const struct tc_value *tc_value_find(const struct tc_service *service, const char *name)
{
	for (const struct tc_value *row = service->values; row->name; row++)
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

const char *tc_value_named(const struct tc_subject *s, const char *name)
{
	const struct tc_value *row = tc_value_find(s->service->service, name);

	if (!row)
		abort(); /* unreachable: the name is the caller's spelling, not the user's */
	return tc_value_of(s, row);
}

/* What several services have in common. */

const char *tc_value_host(const struct tc_subject *s)
{
	return s->service->host;
}

const char *tc_value_port(const struct tc_subject *s)
{
	return tc_printf(s->mem, "%u", s->service->port);
}

const char *tc_value_tls_mode(const struct tc_subject *s)
{
	return *s->service->tls_mode ? s->service->tls_mode : NULL;
}

const char *tc_value_tls_ca(const struct tc_subject *s)
{
	return *s->service->tls_ca ? s->service->tls_ca : NULL;
}

const char *tc_value_tentacle(const struct tc_subject *s)
{
	return tc_name_tentacle(s->mem, s->enclave, s->name);
}
