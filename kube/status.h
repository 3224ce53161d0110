/* status.h - what the API server says when it does not do something. Internal to kube/. */
#ifndef TC_KUBE_STATUS_H
#define TC_KUBE_STATUS_H

#include <jansson.h>

#include "kube/transport.h"

/* 0 for a status of 2xx; else err is filled from the answer, whatever it is, and -1. */
int tc_kube_check(const struct tc_answer *a, const char *method, const char *path, struct tc_kube_error *err);
/* The same from a metav1.Status, as an ERROR event of a watch has it; status: where it has no code of its own. */
int tc_kube_refused(const json_t *object, int status, const char *method, const char *path, struct tc_kube_error *err);

/* JSON of the API server: a NUL in a text is legal there. NULL with err. */
json_t *tc_kube_parse(const char *s, size_t n, const char *method, const char *path, struct tc_kube_error *err);

/* A string, or "". */
static inline const char *tc_json_string(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

#endif
