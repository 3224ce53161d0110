#include <arpa/inet.h>

#include "webhook/publish_state.h"

int tc_certs_check_ca(const struct tc_pem *ca, int64_t now, struct tc_error *err)
{
	_cleanup_cert_info_ struct tc_cert_info info = {0};
	char when[32];

	if (tc_cert_info(&info, tc_buf_str(&ca->cert), err) < 0 ||
	    tc_pair_check(tc_buf_str(&ca->cert), tc_buf_str(&ca->key), err) < 0)
		return -1;
	if (!info.ca)
		return tc_fail(err, TC_E_USAGE, "the certificate is not one of a CA");
	if (now >= info.not_before && now <= info.not_after)
		return 0;
	tc_time_text(when, now < info.not_before ? info.not_before : info.not_after);
	return tc_fail(err, TC_E_USAGE,
		       now < info.not_before ? "the CA is not valid before %s" : "the CA expired at %s", when);
}

int tc_certs_check_leaf(const struct tc_certs *c, int64_t now, struct tc_error *err)
{
	if (tc_pair_check(tc_buf_str(&c->leaf.cert), tc_buf_str(&c->leaf.key), err) < 0)
		return -1;
	return tc_chain_check(tc_buf_str(&c->leaf.cert), tc_buf_str(&c->ca.cert), now, err);
}

bool tc_cert_due(const struct tc_cert_info *info, int64_t now)
{
	int64_t life = info->not_after - info->not_before;

	/* Back-dating is no life; short-lived ones would be due when they are made. */
	if (life > TC_CERT_BACKDATE)
		life -= TC_CERT_BACKDATE;
	return now >= info->not_after - life / 3;
}

void tc_certs_judge(struct tc_certs *c, int64_t now)
{
	struct tc_error ignored = {0};

	c->ca_good = tc_certs_check_ca(&c->ca, now, &ignored) == 0;
	c->next_good = tc_certs_check_ca(&c->next, now, &ignored) == 0;
	c->leaf_good = c->ca_good && tc_certs_check_leaf(c, now, &ignored) == 0;
}

static bool is_due(const struct tc_pem *p, int64_t now)
{
	_cleanup_cert_info_ struct tc_cert_info info = {0};
	struct tc_error ignored = {0};

	return tc_cert_info(&info, tc_buf_str(&p->cert), &ignored) < 0 || tc_cert_due(&info, now);
}

static void add_pem(struct tc_buf *out, struct tc_str pem)
{
	struct tc_str one;

	while (tc_pem_next(&pem, &one)) {
		tc_buf_add(out, one.s, one.len);
		tc_buf_putc(out, '\n');
	}
}

/* In the order of their making: a change to the next one leaves the text as it is. */
void tc_certs_bundle(struct tc_buf *out, const struct tc_certs *c, int64_t now)
{
	if (now <= c->old_until)
		add_pem(out, tc_buf_str(&c->old));
	if (c->ca_good)
		add_pem(out, tc_buf_str(&c->ca.cert));
	if (c->next_good)
		add_pem(out, tc_buf_str(&c->next.cert));
}

/* --- old CAs ---------------------------------------------------------------------------------------------------------
 */

static bool holds(const struct tc_buf *pem, struct tc_str one)
{
	struct tc_bundle entry = {.pem = tc_buf_str(pem)};

	return tc_bundles_hold(&(struct tc_bundles){.entry = &entry, .count = 1}, one);
}

static bool is_live_ca(struct tc_str one, int64_t now)
{
	_cleanup_cert_info_ struct tc_cert_info info = {0};
	struct tc_error ignored = {0};

	return tc_cert_info(&info, one, &ignored) == 0 && info.ca && now <= info.not_after;
}

static void keep_old(struct tc_certs *c, struct tc_str pem, int64_t until)
{
	add_pem(&c->old, pem);
	if (until > c->old_until)
		c->old_until = until;
}

/* A CA of the caBundle that the Secret does not know: the Secret was deleted, damaged, or put back from a backup, and a
 * replica may still serve a leaf of it. A leaf that was made before this lives no longer than a lifetime from now. */
static bool adopt(struct tc_certs *c, const struct tc_plan *plan)
{
	bool any = false;
	size_t n = 0;

	for (size_t i = 0; i < plan->bundles->count; i++) {
		struct tc_str rest = plan->bundles->entry[i].pem, one;

		while (n < TC_PUBLISH_OLD_MAX && tc_pem_next(&rest, &one)) {
			n++;
			if (!is_live_ca(one, plan->now) || (c->ca_good && holds(&c->ca.cert, one)) ||
			    (c->next_good && holds(&c->next.cert, one)) || holds(&c->old, one))
				continue;
			keep_old(c, one, plan->now + plan->lifetime);
			any = true;
		}
	}
	return any;
}

/* Forgotten only after they have left the caBundle; before that they would be adopted as unknown. */
static bool forget_old(struct tc_certs *c, const struct tc_plan *plan)
{
	if (c->old.len == 0 || plan->now <= c->old_until)
		return false;
	for (size_t i = 0; i < plan->bundles->count; i++) {
		struct tc_str rest = tc_buf_str(&c->old), one;
		struct tc_bundles entry = {.entry = &plan->bundles->entry[i], .count = 1};

		while (tc_pem_next(&rest, &one))
			if (tc_bundles_hold(&entry, one))
				return false;
	}
	tc_buf_clear(&c->old);
	c->old_until = 0;
	return true;
}

static bool announced_any(const struct tc_plan *plan)
{
	for (size_t i = 0; i < plan->bundles->count; i++) {
		struct tc_str rest = plan->bundles->entry[i].pem, one;

		while (tc_pem_next(&rest, &one))
			if (is_live_ca(one, plan->now))
				return true;
	}
	return false;
}

/* The caBundle holds other CAs and not the one that signs: an old Secret was put back. It becomes the next one, since a
 * leaf of it may be served only when the API servers know it again. An empty caBundle is no such sign: somebody wiped
 * it, and no leaf can be verified until it is written again, whichever it is. */
static bool demote(struct tc_certs *c, const struct tc_plan *plan)
{
	if (!c->ca_good || !announced_any(plan))
		return false;
	for (size_t i = 0; i < plan->bundles->count; i++) {
		struct tc_bundles entry = {.entry = &plan->bundles->entry[i], .count = 1};

		if (tc_bundles_hold(&entry, tc_buf_str(&c->ca.cert)))
			return false;
	}
	if (!c->next_good) {
		tc_pem_free(&c->next);
		c->next = c->ca;
		c->ca = (struct tc_pem){0};
		c->next_good = true;
	}
	tc_pem_free(&c->ca);
	tc_pem_free(&c->leaf);
	c->ca_good = c->leaf_good = false;
	return true;
}

/* --- making ----------------------------------------------------------------------------------------------------------
 */

static int make_ca(struct tc_pem *out, const struct tc_plan *plan, struct tc_error *err)
{
	char name[64], when[32];

	/* With its time: equal names of different CAs are correct, and confuse people. */
	tc_time_text(when, plan->now);
	(void)snprintf(name, sizeof(name), "tentc webhook CA %s", when);
	return tc_ca_make(out, name, plan->now, 10 * plan->lifetime, err);
}

/* An address is compared as it would be written: the shortest way. */
static bool has_name(const struct tc_cert_info *info, const char *name)
{
	const char *line = tc_buf_str(&info->names).s;
	unsigned char address[sizeof(struct in6_addr)];
	char text[INET6_ADDRSTRLEN];
	size_t len;

	if (inet_pton(AF_INET6, name, address) == 1 && inet_ntop(AF_INET6, address, text, sizeof(text)))
		name = text;
	len = strlen(name);

	while (*line) {
		size_t n = strcspn(line, "\n");

		if (n == len && memcmp(line, name, n) == 0)
			return true;
		line += n + (line[n] == '\n');
	}
	return false;
}

static bool lacks_names(const struct tc_cert_info *info, const struct tc_plan *plan)
{
	for (size_t i = 0; i < plan->nnames; i++)
		if (!has_name(info, plan->names[i]))
			return true;
	return false;
}

/* extra: a leaf whose names are kept, NULL for none. While two versions of us run side by side with names of their own,
 * each would else make a leaf that the other finds lacking, for ever. */
static int make_leaf(struct tc_certs *c, const struct tc_plan *plan, const struct tc_cert_info *extra,
		     struct tc_error *err)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	const char **names = NULL;
	size_t n = 0, cap = 0;
	const char *line = extra ? tc_buf_str(&extra->names).s : "";

	for (size_t i = 0; i < plan->nnames; i++) {
		tc_grow(mem, names, n, cap);
		names[n++] = plan->names[i];
	}
	for (size_t len; *line && n < 64; line += len + (line[len] == '\n')) {
		const char *name = tc_strndup(mem, line, len = strcspn(line, "\n"));
		bool ours = false;

		for (size_t i = 0; i < plan->nnames; i++)
			ours |= strcmp(plan->names[i], name) == 0;
		if (ours)
			continue;
		tc_grow(mem, names, n, cap);
		names[n++] = name;
	}
	c->leaf_good = tc_leaf_make(&c->leaf, &c->ca, names, n, plan->now, plan->lifetime, err) == 0;
	return c->leaf_good ? 0 : -1;
}

static int promote(struct tc_certs *c, const struct tc_plan *plan, struct tc_error *err)
{
	_cleanup_cert_info_ struct tc_cert_info leaf = {0};
	struct tc_error ignored = {0};

	if (c->ca_good) {
		int64_t until = plan->now + plan->lifetime;

		if (c->leaf_good && tc_cert_info(&leaf, tc_buf_str(&c->leaf.cert), &ignored) == 0)
			until = leaf.not_after;
		keep_old(c, tc_buf_str(&c->ca.cert), until);
	}
	tc_pem_free(&c->ca);
	c->ca = c->next;
	c->next = (struct tc_pem){0};
	c->ca_good = true;
	c->next_good = false;
	return make_leaf(c, plan, NULL, err);
}

static int renew_leaf(struct tc_certs *c, const struct tc_plan *plan, const char **what, struct tc_error *err)
{
	_cleanup_cert_info_ struct tc_cert_info leaf = {0}, ca = {0};
	struct tc_error ignored = {0};
	bool good = c->leaf_good && tc_cert_info(&leaf, tc_buf_str(&c->leaf.cert), &ignored) == 0;
	bool lacks = good && lacks_names(&leaf, plan), due = good && tc_cert_due(&leaf, plan->now);

	if (tc_cert_info(&ca, tc_buf_str(&c->ca.cert), err) < 0)
		return -1; /* unreachable: it is usable */
	/* Somebody has asked for shorter lives since: that holds from now on, not when this one ends. Twice as long, so
	 * that replicas which were told a little different lives do not quarrel. */
	due |= good && leaf.not_after - plan->now > 2 * plan->lifetime;
	/* It lives as long as its CA already: another would live no longer. */
	if (due && leaf.not_after >= ca.not_after && ca.not_after - plan->now <= plan->lifetime)
		due = false;
	if (good && !lacks && !due)
		return 0;
	*what = !good ? "made a certificate" : due ? "renewed the certificate" : "added a name to the certificate";
	return make_leaf(c, plan, lacks ? &leaf : NULL, err);
}

int tc_certs_plan(struct tc_certs *c, const struct tc_plan *plan, const char **what, struct tc_error *err)
{
	*what = NULL;
	if (adopt(c, plan))
		*what = "kept an unknown CA of the caBundle";
	if (forget_old(c, plan))
		*what = "forgot an old CA";
	if (demote(c, plan))
		*what = "the CA has to be announced anew";
	if (c->next_good && plan->next_settled) {
		*what = "changed to the new CA";
		return promote(c, plan, err);
	}
	/* Nobody can verify anybody yet, so there is nothing to wait for. */
	if (!c->ca_good && !c->next_good && !announced_any(plan)) {
		*what = "made a CA and a certificate";
		tc_pem_free(&c->next);
		c->ca_good = make_ca(&c->ca, plan, err) == 0;
		return c->ca_good ? make_leaf(c, plan, NULL, err) : -1;
	}
	if (!c->next_good && (!c->ca_good || is_due(&c->ca, plan->now))) {
		*what = "made a new CA";
		c->next_good = make_ca(&c->next, plan, err) == 0;
		if (!c->next_good)
			return -1;
	}
	return c->ca_good ? renew_leaf(c, plan, what, err) : 0;
}
