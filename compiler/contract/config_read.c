/* ExoskeletonConfig from its tree: what it is, which keys it has, and what only shows when all of them are read. */
#include "compiler/contract/config_table.h"

#include "compiler/contract/catalogue.h"
#include "compiler/contract/netaddr.h"

static const struct tc_row *row_of_key(const struct tc_config_reader *r, const char *prefix, struct tc_str key)
{
	for (size_t i = 0; i < r->rows.count; i++) {
		const char *known = tc_row_key(&r->rows.list[i], prefix);

		if (known && tc_str_is(key, known))
			return &r->rows.list[i];
	}
	return NULL;
}

/* What people write in a configuration though it is no place for a secret, and where else one may stand. */
static const char *const plain_secrets[] = {"password",  "pass",       "secret",     "token", "accessKey",
					    "secretKey", "access_key", "secret_key", NULL};
/* A longer one before what it begins with. */
const char *const tc_config_secret_keys[] = {"password",  "pass",       "secretKey", "secret_key", "secret", "token",
					     "accessKey", "access_key", "url",       "ca",         NULL};

static bool plain_secret(struct tc_config_reader *r, const char *prefix, const struct tc_node *at, struct tc_str key)
{
	size_t len = strlen(prefix);

	if (len < 6 || strcmp(prefix + len - 6, ".admin") != 0)
		return false;
	for (size_t i = 0; plain_secrets[i]; i++) {
		/* rustfs has a pair of keys, the others have a password */
		bool pair = row_of_key(r, prefix, TC_STR("secretKeyFile"));
		struct tc_diag *diag;

		if (!tc_str_is(key, plain_secrets[i]))
			continue;
		diag = tc_diag(r->diags, TC_MSG_UNKNOWN_CONFIG_KEY, tc_node_pos(at),
			       "%s has no key %s, a configuration holds no secret", prefix, tc_quote(r->mem, key));
		tc_diag_help(diag, "write it to a file that %s names",
			     !pair                          ? "passwordFile"
			     : tc_str_starts(key, "access") ? "accessKeyFile"
							    : "secretKeyFile");
		r->diags->secret_keys = tc_config_secret_keys;
		return true;
	}
	return false;
}

static void unknown_key(struct tc_config_reader *r, const char *prefix, const struct tc_node *at, struct tc_str key)
{
	const char *near;
	_cleanup_buf_ struct tc_buf all = {0};
	size_t n = 0;
	struct tc_diag *diag;

	for (size_t i = 0; i < r->rows.count; i++) {
		const char *name = tc_row_key(&r->rows.list[i], prefix);

		if (!name)
			continue;
		tc_buf_printf(&all, "%s%s", n > 0 ? ", " : "", name);
		r->known[n++] = name;
	}
	diag = tc_diag(r->diags, TC_MSG_UNKNOWN_CONFIG_KEY, tc_node_pos(at), "%s has no key %s",
		       *prefix ? prefix : "the configuration", tc_quote(r->mem, key));
	near = tc_nearest(key, r->known, n);
	if (near)
		tc_diag_help(diag, "did you mean \"%s\"?", near);
	else
		tc_diag_help(diag, "the keys there are %s", tc_buf_str(&all).s);
}

/* Recursion is as deep as the table, not as the input. */
static void read_group(struct tc_config_reader *r, const char *prefix, const struct tc_node *map)
{
	for (struct tc_entry e = tc_first(map); e.key; e = tc_next(e)) {
		struct tc_str key = tc_key_text(r->mem, e.key);
		const struct tc_row *row = row_of_key(r, prefix, key);

		if (!row) {
			if (!plain_secret(r, prefix, e.key, key))
				unknown_key(r, prefix, e.key, key);
			continue;
		}
		if (row->type == TC_ROW_FIXED || tc_is(e.value, TC_NULL))
			continue;
		if (row->type != TC_ROW_GROUP && row->type != TC_ROW_IGNORED)
			tc_config_read_value(r, row, e.value);
		else if (!tc_is(e.value, TC_MAP))
			tc_diag(r->diags, TC_MSG_BAD_CONFIG_VALUE, tc_node_pos(e.value),
				"%s: expected a mapping, found %s", row->path, tc_kind_name(e.value));
		else if (row->type == TC_ROW_GROUP)
			read_group(r, row->path, e.value);
	}
}

/* False when the file says that it is something else: its keys would only be noise then. */
static bool check_fixed(struct tc_config_reader *r, const struct tc_node *root)
{
	bool fits = true;

	for (size_t i = 0; i < r->rows.count; i++) {
		const struct tc_row *row = &r->rows.list[i];
		const struct tc_node *value;
		struct tc_diag *diag;

		if (row->type != TC_ROW_FIXED)
			continue;
		value = tc_get(root, row->path);
		if (tc_is_string(value, row->fallback))
			continue;
		if (!value) {
			diag = tc_diag(r->diags, TC_MSG_NOT_A_CONFIG, tc_node_pos(root),
				       "the configuration has no %s, expected \"%s\"", row->path, row->fallback);
			tc_diag_help(diag, "add the line %s: %s", row->path, row->fallback);
			continue;
		}
		fits = false;
		diag = tc_diag(r->diags, TC_MSG_NOT_A_CONFIG, tc_node_pos(value), "%s: expected \"%s\", found %s%s%s",
			       row->path, row->fallback, tc_kind_name(value), tc_is(value, TC_STRING) ? " " : "",
			       tc_is(value, TC_STRING) ? tc_quote(r->mem, tc_text(value)) : "");
		tc_diag_help(diag, "a configuration begins with apiVersion: %s and kind: %s", TC_CONFIG_API_VERSION,
			     TC_CONFIG_KIND);
	}
	return fits;
}

/* A rule for a host outside the cluster is made of its addresses, and only the platform knows them. An address speaks
 * for itself. at: the group that holds `host`; blocks: its `cidrs`. */
static void check_outside(struct tc_config_reader *r, const char *path, const char *host, const struct tc_node *at,
			  const struct tc_node *blocks)
{
	bool is_ip = false;
	struct tc_diag *diag;

	if (tc_host_fault(r->mem, tc_str(host), &is_ip) || is_ip || tc_host_namespace(r->mem, host))
		return;
	/* Blocks that were refused have had their message. */
	if (blocks && !tc_is(blocks, TC_NULL) && !(tc_is(blocks, TC_SEQ) && !tc_item(blocks)))
		return;
	diag = tc_diag(r->diags, TC_MSG_OUTSIDE_HOST, tc_node_pos(tc_get(at, "host")),
		       "%s: %s is outside the cluster, and a NetworkPolicy needs its addresses", path,
		       tc_quote(r->mem, tc_str(host)));
	tc_diag_help(diag, "give its blocks as cidrs; a Service of the cluster is written <name>.<namespace>.svc");
}

static void check_hosts(struct tc_config_reader *r, const struct tc_node *root)
{
	const struct tc_config *config = r->config;
	const struct tc_node *proxy = tc_get_path(root, "networkPolicy", "moduleProxy", NULL);

	if (config->netpol_mode == TC_NETPOL_OFF)
		return;
	for (size_t i = 0; i < config->nservices; i++) {
		const struct tc_service_config *service = &config->services[i];
		const struct tc_node *at = tc_get_path(root, "services", service->service->key, NULL);

		if (service->host && service->enabled)
			check_outside(r, tc_printf(r->mem, "services.%s.host", service->service->key), service->host,
				      at, tc_get_path(at, "network", "cidrs", NULL));
	}
	if (*config->module_proxy)
		check_outside(r, "networkPolicy.moduleProxy.host", config->module_proxy, proxy, tc_get(proxy, "cidrs"));
}

bool tc_config_read(struct tc_arena *mem, const struct tc_node *root, struct tc_diags *diags, struct tc_config **config)
{
	struct tc_config_reader r = {.mem = mem, .rows = tc_config_rows(mem), .diags = diags};
	size_t before = diags->errors;

	r.known = tc_alloc(mem, r.rows.count * sizeof(*r.known));
	*config = r.config = tc_config_of_rows(mem, &r.rows);
	if (!tc_is(root, TC_MAP)) {
		tc_diag_help(tc_diag(diags, TC_MSG_NOT_A_CONFIG, root ? tc_node_pos(root) : (struct tc_pos){0},
				     "expected an %s, found %s", TC_CONFIG_KIND, tc_kind_name(root)),
			     "a configuration begins with apiVersion: %s and kind: %s", TC_CONFIG_API_VERSION,
			     TC_CONFIG_KIND);
		return false;
	}
	if (!check_fixed(&r, root))
		return false;
	read_group(&r, "", root);
	check_hosts(&r, root);
	return diags->errors == before;
}
