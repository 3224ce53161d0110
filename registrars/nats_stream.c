/* A tentacle's stream, where enclaves have JetStream (services.nats.limits.jetstream): what it publishes below
 * <enclave>.<name>.stream is kept there.
 *
 * tentc makes the stream, since whoever may make one may make one over the subjects of others. It logs in to the
 * enclave's account as a user of its own, tentc/<enclave>, who may use JetStream and nothing else. */
#include "registrars/nats.h"

/* Answers of JetStream. */
#define NOT_FOUND 10059
#define OTHER_CONFIGURATION 10058

bool tc_nats_streams(const struct tc_nats_registrar *r)
{
	return r->conf.service->limits[TC_NATS_JETSTREAM] > 0;
}

/* Tried: up to 2.10, whoever publishes to a stream of its own with $JS.API.STREAM.PURGE.<another> as reply subject has
 * the server send its acknowledgement there, and so empties the other stream. 2.12 and later don't. */
int tc_nats_stream_safe(const struct tc_nats_server *server, struct tc_error *err)
{
	if (!tc_nats_older(server->version, 2, 12))
		return 0;
	return tc_fail(
		err, TC_E_USAGE,
		"nats: the server \"%s\" is nats-server %s, and before 2.12 a tentacle with JetStream can empty the "
		"streams of others; upgrade it, or set services.nats.limits.jetstream: 0",
		server->name, server->version);
}

const char *tc_nats_stream_name(struct tc_nats_registrar *r, const struct tc_want *want)
{
	return tc_printf(r->mem, "%s_%s", want->enclave, want->name);
}

const char *tc_nats_keeper_password(struct tc_nats_registrar *r)
{
	return tc_nats_derive(r, "keeper", "", "", 0);
}

static const char *api(struct tc_nats_registrar *r, const char *what, const char *stream)
{
	return tc_printf(r->mem, "$JS.API.STREAM.%s.%s", what, stream);
}

static int log_in(struct tc_nats_registrar *r, struct tc_nats **out, const char *enclave, struct tc_error *err)
{
	enum tc_nats_answer answer = tc_nats_login_at(r, out, &r->servers[0], tc_printf(r->mem, "tentc/%s", enclave),
						      tc_nats_keeper_password(r), TC_NATS_PATIENCE, err);

	if (answer == TC_NATS_OK)
		return 0;
	if (answer == TC_NATS_FAILED)
		return -1;
	return tc_fail(err, TC_E_RETRY, "nats: log in as \"tentc/%s\" at the server \"%s\": it is not let in", enclave,
		       r->servers[0].name);
}

static int no_answer(const char *subject, bool nobody, const json_t *failure, struct tc_error *err)
{
	const char *text = json_string_value(json_object_get(failure, "description"));

	return tc_fail(err, TC_E_RETRY, "nats: %s: %.200s", subject,
		       nobody ? "nobody answers: does the server have JetStream?"
		       : text ? text
			      : "refused");
}

/* *code: of JetStream's error, 0 for none. After a reload an account's JetStream takes a moment to be there. */
static int call(struct tc_nats_registrar *r, struct tc_nats *n, json_t **out, const char *subject, const char *body,
		json_int_t *code, struct tc_error *err)
{
	int64_t deadline = tc_monotonic() + (int64_t)r->seconds * 1000;

	for (;; tc_pause(100)) {
		_cleanup_json_ json_t *answer = NULL;
		const json_t *failure;
		bool nobody = false;

		if (tc_nats_request(n, &answer, subject, body, &nobody, err) < 0)
			return tc_wrap(err, "nats: %s", subject);
		failure = json_object_get(answer, "error");
		*code = json_integer_value(json_object_get(failure, "err_code"));
		if (!nobody && (!failure || *code == NOT_FOUND || *code == OTHER_CONFIGURATION)) {
			*out = tc_take(&answer);
			return 0;
		}
		if (tc_monotonic() >= deadline)
			return no_answer(subject, nobody, failure, err);
	}
}

int tc_nats_stream_ensure(struct tc_nats_registrar *r, const struct tc_want *want, struct tc_error *err)
{
	_cleanup_(tc_nats_close) struct tc_nats *n = NULL;
	_cleanup_json_ json_t *seen = NULL, *made = NULL;
	const char *name = tc_nats_stream_name(r, want), *body;
	json_int_t code;

	if (!tc_nats_streams(r))
		return 0;
	if (log_in(r, &n, want->enclave, err) < 0 || call(r, n, &seen, api(r, "INFO", name), "", &code, err) < 0)
		return -1;
	if (code != NOT_FOUND)
		return 0;
	body = tc_printf(r->mem,
			 "{\"name\":\"%s\",\"subjects\":[\"%s.%s.stream.>\"],\"retention\":\"limits\",\"storage\":"
			 "\"file\",\"discard\":\"old\",\"num_replicas\":%d}",
			 name, want->enclave, want->name, r->nservers >= 3 ? 3 : 1);
	tc_step(&r->conf, "create stream %s", name);
	return call(r, n, &made, api(r, "CREATE", name), body, &code, err);
}

int tc_nats_stream_look(struct tc_nats_registrar *r, const struct tc_want *want, bool *there, uint64_t *messages,
			uint64_t *bytes, struct tc_error *err)
{
	_cleanup_(tc_nats_close) struct tc_nats *n = NULL;
	_cleanup_json_ json_t *answer = NULL;
	const json_t *state;
	json_int_t code;

	*there = false;
	*messages = *bytes = 0;
	if (log_in(r, &n, want->enclave, err) < 0 ||
	    call(r, n, &answer, api(r, "INFO", tc_nats_stream_name(r, want)), "", &code, err) < 0)
		return -1;
	state = json_object_get(answer, "state");
	*there = code == 0 && state;
	*messages = (uint64_t)json_integer_value(json_object_get(state, "messages"));
	*bytes = (uint64_t)json_integer_value(json_object_get(state, "bytes"));
	return 0;
}

int tc_nats_stream_destroy(struct tc_nats_registrar *r, const struct tc_want *want, struct tc_error *err)
{
	_cleanup_(tc_nats_close) struct tc_nats *n = NULL;
	_cleanup_json_ json_t *answer = NULL;
	const char *name = tc_nats_stream_name(r, want);
	json_int_t code;

	if (log_in(r, &n, want->enclave, err) < 0)
		return -1;
	tc_step(&r->conf, "delete stream %s", name);
	return call(r, n, &answer, api(r, "DELETE", name), "", &code, err);
}
