/* The answer: an AdmissionReview on one line. */
#include "compiler/transform/admit_parts.h"

#include "compiler/contract/identity.h"
#include "compiler/tree/emit.h"

static void add_warnings(const struct tc_admission *a, struct tc_buf *out)
{
	if (!a->nwarnings)
		return;
	tc_buf_puts(out, ",\"warnings\":[");
	for (size_t i = 0; i < a->nwarnings; i++) {
		if (i)
			tc_buf_putc(out, ',');
		tc_emit_json_string(out, a->warnings[i]);
	}
	tc_buf_putc(out, ']');
}

/* The services that a contract has, in its order. */
static void add_services(const struct tc_tentacle *t, struct tc_buf *out)
{
	bool any = false;

	tc_buf_puts(out, "\"services\":\"");
	for (size_t i = 0; i < t->contract->ndeps; i++) {
		if (t->contract->deps[i].kind != TC_DEP_PLATFORM)
			continue;
		tc_buf_printf(out, "%s%s", any ? "," : "", t->contract->deps[i].service->key);
		any = true;
	}
	tc_buf_putc(out, '"');
}

/* What was added. The API server puts the webhook's name before the keys. */
static void add_audit(const struct tc_admission *a, struct tc_buf *out)
{
	const struct tc_tentacle *t = a->tentacle;

	if (a->out->verdict != TC_VERDICT_PATCHED || !t || !t->contract)
		return;
	tc_buf_puts(out, ",\"auditAnnotations\":{");
	add_services(t, out);
	if (a->hash)
		tc_buf_printf(out, ",\"level\":\"%u\",\"hash\":\"%s\"", t->level, a->hash);
	tc_buf_putc(out, '}');
}

void tc_admit_write(const struct tc_admission *a, struct tc_buf *answer, struct tc_str message)
{
	bool denied = a->out->verdict == TC_VERDICT_DENIED;

	tc_buf_puts(answer,
		    "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"response\":{\"uid\":");
	tc_emit_json_string(answer, a->review.uid);
	tc_buf_printf(answer, ",\"allowed\":%s", denied ? "false" : "true");
	if (denied) {
		tc_buf_puts(answer, ",\"status\":{\"status\":\"Failure\",\"message\":");
		tc_emit_json_string(answer, message);
		tc_buf_puts(answer, ",\"reason\":\"Invalid\",\"code\":422}");
	}
	if (a->out->verdict == TC_VERDICT_PATCHED) {
		tc_buf_reserve(answer, a->patch.len / 3 * 4 + 512);
		tc_buf_puts(answer, ",\"patchType\":\"JSONPatch\",\"patch\":\"");
		tc_buf_puts(answer, tc_base64(a->mem, a->patch));
		tc_buf_putc(answer, '"');
	}
	add_warnings(a, answer);
	add_audit(a, answer);
	tc_buf_puts(answer, "}}\n");
}
