#include "registrars/registrar.h"

/* Those that are there; each brings its row. */
const struct tc_registrar_ops *const tc_registrars[] = {
	&tc_registrar_postgres, &tc_registrar_rustfs, &tc_registrar_nats, &tc_registrar_spire, NULL,
};

static __attribute__((format(printf, 2, 0))) const char *format(struct tc_arena *mem, const char *fmt, va_list ap)
{
	char line[1024];

	vsnprintf(line, sizeof(line), fmt, ap);
	return tc_strdup(mem, line);
}

void tc_observed_add(struct tc_observed *o, const char *fmt, ...)
{
	va_list ap;

	tc_grow(o->mem, o->differs, o->ndiffers, o->cap);
	va_start(ap, fmt);
	o->differs[o->ndiffers++] = format(o->mem, fmt, ap);
	va_end(ap);
}

void tc_probed_add(struct tc_probed *p, const char *fmt, ...)
{
	va_list ap;

	tc_grow(p->mem, p->complaints, p->ncomplaints, p->cap);
	va_start(ap, fmt);
	p->complaints[p->ncomplaints++] = format(p->mem, fmt, ap);
	va_end(ap);
}

void tc_step(const struct tc_registrar_conf *conf, const char *fmt, ...)
{
	char what[512];
	va_list ap;

	if (!conf->step)
		return;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	conf->step(conf->step_self, what);
}
