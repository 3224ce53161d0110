/* policies.h - which pods the author's NetworkPolicies govern. */
#ifndef TC_POLICIES_H
#define TC_POLICIES_H

#include "compiler/transform/object.h"

struct tc_work;
struct tc_policy_entry;

/* The author's policies that govern egress, to be found by a label that they ask for. */
struct tc_policies {
	struct tc_policy_entry *entries; /* sorted */
	size_t count;
	size_t checks; /* selectors compared so far */
};

/* policyTypes tells whether a policy says anything about egress; without it, the presence of egress rules does. */
bool tc_policy_governs_egress(const struct tc_object *policy);
/* Its selector names the tentacle, so that it can select no other, and does select its pods. labels: of the pod
 * template, without those that tentc adds; NULL when there is none in the input. */
bool tc_policy_is_exclusive(const struct tc_object *policy, const char *name, const struct tc_node *labels);

void tc_policies_index(struct tc_work *w, struct tc_arena *mem);
/* Does one of them select pods with these labels in the enclave? After a million compared selectors in one compilation
 * the answer is yes: it serves a warning, and no input may take forever. */
bool tc_policies_restrict(struct tc_work *w, const char *enclave, const struct tc_node *labels);

#endif
