/* nats_wire_parts.h - what nats_wire.c and nats_read.c share. */
#ifndef TC_NATS_WIRE_PARTS_H
#define TC_NATS_WIRE_PARTS_H

#include "registrars/nats_wire.h"

enum tc_nats_event {
	TC_NATS_MESSAGE,
	TC_NATS_NO_RESPONDERS,
	TC_NATS_PONG,
	TC_NATS_ERROR,
	TC_NATS_STALE, /* the answer to an earlier question */
};

struct tc_nats {
	int fd;
	struct tc_nats_tls *tls;
	unsigned seconds;
	int64_t deadline; /* of the call that is under way */
	int64_t patience; /* until when the next thing that the server says may come; 0: until the deadline */
	bool late;        /* it did not; nothing of it was read */
	struct tc_arena *mem;
	struct tc_buf in;
	size_t at; /* what of `in` was used */
	struct tc_nats_info info;
	bool tls_required, tls_available;
	char said[256]; /* the last -ERR, without its quotes */
	unsigned long sid;
	struct tc_str body; /* of the last message; until the next one is read */
};

/* Both -1: no answer in time; an answer that no NATS server gives. */
int tc_nats_late(struct tc_error *err, const struct tc_nats *n);
int tc_nats_foul(struct tc_error *err, const char *what);
int tc_nats_send_all(struct tc_nats *n, const char *bytes, size_t len, struct tc_error *err);
/* Up to CRLF, which is taken too. The text stays until the next one is asked for. */
int tc_nats_read_line(struct tc_nats *n, struct tc_str *out, struct tc_error *err);
/* The JSON behind "INFO ". */
int tc_nats_read_info(struct tc_nats *n, struct tc_str text, struct tc_error *err);
/* The next of what the server says that is not dealt with here, as its PING is. */
int tc_nats_next_event(struct tc_nats *n, enum tc_nats_event *what, struct tc_error *err);

#endif
