#include "controller/decide.h"

#define FOREVER 0 /* until something changes */

static struct tc_decision nothing(void)
{
	return (struct tc_decision){.next = TC_NEXT_NOTHING, .condition = TC_CONDITION_COUNT};
}

static struct tc_decision act(enum tc_next next)
{
	return (struct tc_decision){.next = next, .condition = TC_CONDITION_COUNT};
}

/* Nothing is changed but what the record says. */
static struct tc_decision hold(enum tc_condition_type condition, const char *why, long long due)
{
	return (struct tc_decision){.next = TC_NEXT_LOOK, .condition = condition, .why = why, .due = due};
}

/* It has something in the services that gives access. */
static bool has_access(const struct tc_record *r)
{
	return r->phase != TC_PHASE_RETAINED && r->phase != TC_PHASE_DESTROYED;
}

static bool same_namespace(const struct tc_record *r, const struct tc_view *seen)
{
	return strcmp(r->namespace_uid, seen->namespace_uid) == 0;
}

static bool has_condition(const struct tc_record *r)
{
	for (size_t i = 0; i < TC_CONDITION_COUNT; i++)
		if (r->conditions[i].set)
			return true;
	return false;
}

static struct tc_decision retain(const struct tc_policy *policy)
{
	if (policy->removals_held)
		return hold(TC_CONDITION_REMOVALS_HELD,
			    "it would be retained, but too many tentacles went away at once; if that was meant: tentc "
			    "resume",
			    FOREVER);
	return act(TC_NEXT_RETAIN);
}

/* --- the workload is there ---------------------------------------------------------------------------------------- */

static struct tc_decision owner_changed(struct tc_arena *mem, const struct tc_record *r, const struct tc_policy *policy)
{
	/* The former namespace is gone for certain: its uid comes never again. */
	if (has_access(r))
		return retain(policy);
	return hold(
		TC_CONDITION_OWNER_CHANGED,
		tc_printf(mem,
			  "namespace %s was made anew; what %s kept is not given to it unasked: tentc enclave adopt "
			  "%s",
			  r->enclave, r->name, r->enclave),
		FOREVER);
}

/* Credentials are derived: who had the name before in another namespace knows those of its epochs. */
static unsigned least_epoch(const struct tc_record *r, const struct tc_view *seen)
{
	return r->least_epoch + (r->phase == TC_PHASE_DESTROYED && !same_namespace(r, seen));
}

static bool is_registered(const struct tc_record *r, const struct tc_view *seen)
{
	return r->phase == TC_PHASE_REGISTERED && strcmp(r->hash, seen->hash) == 0 && strcmp(r->uid, seen->uid) == 0 &&
	       r->epoch == seen->epoch && r->destroy == seen->destroy;
}

static struct tc_decision decide_present(struct tc_arena *mem, const struct tc_view *seen,
					 const struct tc_policy *policy)
{
	const struct tc_record *r = seen->record;

	if (seen->namespace != TC_THERE_YES)
		return nothing();
	if (!seen->enclave)
		return r && has_access(r) ? hold(TC_CONDITION_NOT_ENCLAVE,
						 "the namespace has no label tentacular.io/enclave any more: nothing "
						 "is changed until it is back, or the workload is deleted",
						 FOREVER)
					  : nothing();
	if (r && seen->rival)
		return hold(TC_CONDITION_NAME_TAKEN,
			    tc_printf(mem, "the name belongs to %s %s, which lives; %s gets nothing: give it another",
				      r->kind, r->name, seen->kind),
			    FOREVER);
	if (r && r->phase != TC_PHASE_DESTROYED && !same_namespace(r, seen))
		return owner_changed(mem, r, policy);
	if (seen->invalid)
		return r ? hold(TC_CONDITION_INVALID, seen->invalid, FOREVER) : nothing();
	if (r && seen->epoch < least_epoch(r, seen))
		return hold(TC_CONDITION_EPOCH_LOWERED,
			    tc_printf(mem,
				      "tentacular.io/credential-epoch is %u, at least %u was expected: a password that "
				      "was replaced never comes back",
				      seen->epoch, least_epoch(r, seen)),
			    FOREVER);
	if (r && is_registered(r, seen) && !has_condition(r))
		return nothing();
	return act(TC_NEXT_REGISTER);
}

/* --- the workload is not there ------------------------------------------------------------------------------------ */

static struct tc_decision decide_retained(const struct tc_record *r, const struct tc_policy *policy, long long now)
{
	if (!r->destroy || !policy->allow_annotation)
		return nothing();
	if (now < r->retained_since + policy->destroy_delay)
		return (struct tc_decision){.next = TC_NEXT_LOOK,
					    .condition = TC_CONDITION_COUNT,
					    .due = r->retained_since + policy->destroy_delay};
	if (policy->removals_held)
		return hold(TC_CONDITION_REMOVALS_HELD,
			    "it would be destroyed, but too many tentacles went away at once; if that was meant: tentc "
			    "resume",
			    FOREVER);
	return act(TC_NEXT_DESTROY);
}

static struct tc_decision decide_absent(const struct tc_view *seen, const struct tc_policy *policy, long long now)
{
	const struct tc_record *r = seen->record;
	long long grace, due;

	if (!r || r->phase == TC_PHASE_DESTROYED)
		return nothing();
	if (r->phase == TC_PHASE_RETAINED)
		return decide_retained(r, policy, now);
	/* A label that was lost hides workloads from every selector: it must not look like a removal. */
	if (seen->namespace == TC_THERE_YES && !seen->enclave)
		return hold(TC_CONDITION_NOT_ENCLAVE,
			    "the workload is gone, but the namespace has no label tentacular.io/enclave any more: "
			    "nothing is taken away until it is back; tentc undeploy does it by hand",
			    FOREVER);
	grace = strcmp(r->kind, "Job") == 0 ? policy->job_grace : policy->grace;
	if (r->phase != TC_PHASE_GONE)
		return (struct tc_decision){.next = TC_NEXT_GONE, .condition = TC_CONDITION_COUNT, .due = now + grace};
	due = r->gone_since + grace;
	if (now < due)
		return (struct tc_decision){.next = TC_NEXT_LOOK, .condition = TC_CONDITION_COUNT, .due = due};
	return retain(policy);
}

struct tc_decision tc_decide(struct tc_arena *mem, const struct tc_view *seen, const struct tc_policy *policy,
			     long long now)
{
	if (seen->workload == TC_THERE_UNKNOWN || seen->namespace == TC_THERE_UNKNOWN)
		return nothing();
	return seen->workload == TC_THERE_YES ? decide_present(mem, seen, policy) : decide_absent(seen, policy, now);
}
