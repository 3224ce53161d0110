/* The NetworkPolicy of a tentacle: egress to what its contract declares, and to nothing else.
 *
 * Policies add up, so tentc writes only the tentacle's own. A `<name>-netpol` of the author's that selects this
 * tentacle only is extended; one that may select more is never touched, since it would open the services to others. */
#include "compiler/transform/tentacle.h"

#include "compiler/transform/egress.h"

static const struct tc_node *pod_labels(const struct tc_tentacle *t)
{
	return t->workload ? tc_get_path(tc_object_template(t->workload), "metadata", "labels", NULL) : NULL;
}

/* Is there, in the input, a policy that governs the egress of these pods already? name: of the one that tentc writes.
 */
static bool is_restricted(struct tc_work *w, const struct tc_tentacle *t, const char *name)
{
	size_t n;
	struct tc_object **found = tc_objects_named(w, TC_ROLE_NETWORKPOLICY, t->enclave, name, &n);

	for (size_t i = 0; i < n; i++) {
		/* The author's own selects a label that the pods only get now. */
		if (found[i]->ours ||
		    (tc_policy_is_exclusive(found[i], t->name, pod_labels(t)) && tc_policy_governs_egress(found[i])))
			return true;
	}
	return tc_policies_restrict(w, t->enclave, pod_labels(t));
}

static void warn(struct tc_work *w, const struct tc_tentacle *t, const char *policy)
{
	struct tc_diag *d;
	bool host_network = false;

	if (!t->workload)
		return;
	if (tc_as_bool(tc_get_path(tc_object_template(t->workload), "spec", "hostNetwork", NULL), &host_network) &&
	    host_network) {
		d = tc_diag(w->diags, TC_MSG_HOST_NETWORK, t->workload->at,
			    "the pods of %s \"%s\" use the node's network: NetworkPolicy \"%s\" does not reach them",
			    t->workload->kind->kind, t->name, policy);
		tc_diag_help(d, "remove hostNetwork, if the pod can do without it");
		return; /* so nothing is taken from them either */
	}
	if (w->stage->edits_only || w->stage->config->default_deny || is_restricted(w, t, policy))
		return;
	d = tc_diag(w->diags, TC_MSG_EGRESS_RESTRICTED, t->workload->at,
		    "nothing here restricted what the pods of %s \"%s\" may reach; NetworkPolicy \"%s\" leaves only "
		    "DNS and "
		    "what the contract declares",
		    t->workload->kind->kind, t->name, policy);
	tc_diag_help(d, "declare what else they need under dependencies; set networkPolicy.defaultDeny: true in the "
			"configuration where the enclave denies egress by itself");
}

/* The author's own policy under the name that tentc would use; NULL when there is none to extend. *taken: the name is
 * not free. */
static struct tc_object *author_policy(struct tc_work *w, const struct tc_tentacle *t, bool *taken)
{
	const char *name = tc_printf(w->mem, "%s-netpol", t->name);
	size_t n;
	struct tc_object **found = tc_objects_named(w, TC_ROLE_NETWORKPOLICY, t->enclave, name, &n);

	*taken = false;
	for (size_t i = 0; i < n; i++) {
		if (found[i]->ours)
			continue;
		*taken = true;
		if (tc_policy_is_exclusive(found[i], t->name, pod_labels(t)) && tc_policy_governs_egress(found[i]))
			return found[i];
	}
	return NULL;
}

/* Adds the rules that the author's policy lacks, compared by meaning, and takes back those it no longer needs. */
static void extend(struct tc_work *w, struct tc_tentacle *t, struct tc_object *policy, const struct tc_node *rules)
{
	struct tc_patch *patch = tc_doc_patch(w->mem, policy->doc);
	const struct tc_node *spec = tc_get(policy->root, "spec"), *egress;
	struct tc_ledger l = {
		.mem = w->mem, .holder = patch, .target = patch, .target_root = policy->root, .prefix = ""};

	policy->claimed = true;
	if (!tc_ledger_open(&l, policy->root, w->diags))
		return;
	egress = tc_patch_seq_at(patch, spec, "egress", t->origin);
	if (!egress) {
		struct tc_diag *d =
			tc_diag(w->diags, TC_MSG_BAD_OBJECT, tc_node_pos(tc_get(spec, "egress")),
				"spec.egress is %s, a list was expected", tc_kind_name(tc_get(spec, "egress")));

		tc_diag_help(d, "write one rule an item: `- to: [...]`");
		return;
	}
	for (const struct tc_node *rule = tc_item(rules); rule; rule = tc_item_next(rule)) {
		const char *item = tc_printf(w->mem, "[%s]", tc_node_digest(w->mem, rule));
		const char *path = tc_ledger_path(w->mem, "/spec/egress", item, NULL);
		const struct tc_node *there = tc_egress_find(w->mem, tc_get(spec, "egress"), rule);

		if (!there)
			tc_patch_push(patch, egress, tc_copy_new(w->mem, rule, rule->origin));
		if (!there || tc_ledger_ours(&l, path, there))
			tc_ledger_record(&l, path, rule, NULL);
	}
	tc_ledger_close(&l, t->origin);
}

static void make(struct tc_work *w, struct tc_tentacle *t, const char *name, bool own)
{
	struct tc_arena_mark mark = tc_arena_mark(w->mem);
	struct tc_node *object, *spec = tc_new_map(w->mem, t->origin), *types = tc_new_seq(w->mem, t->origin);

	object = tc_new_object(w, t, "networking.k8s.io/v1", "NetworkPolicy", name, t->enclave, t->origin);
	tc_put(w->mem, object, "spec", spec);
	tc_put(w->mem, spec, "podSelector", tc_new_selector(w->mem, t->origin, TC_LABEL_RELEASE, t->name));
	tc_push(types, tc_new_string(w->mem, t->origin, TC_STR("Egress")));
	tc_put(w->mem, spec, "policyTypes", types);
	tc_put(w->mem, spec, "egress", tc_egress_rules(w, t, own));
	tc_place_object(w, t, TC_ROLE_NETWORKPOLICY, object, mark);
}

void tc_transform_networkpolicy(struct tc_work *w, struct tc_tentacle *t)
{
	enum tc_netpol_mode mode = w->stage->config->netpol_mode;
	struct tc_object *author;
	const char *name;
	bool taken;

	if (mode == TC_NETPOL_OFF)
		return;
	author = author_policy(w, t, &taken);
	name = taken && !author ? tc_printf(w->mem, "tentacular-exoskeleton-%s", t->name)
				: tc_printf(w->mem, "%s-netpol", t->name);
	warn(w, t, name);
	if (w->stage->edits_only)
		return;
	if (author)
		extend(w, t, author, tc_egress_rules(w, t, false));
	else
		make(w, t, name, mode == TC_NETPOL_CONTRACT);
}
