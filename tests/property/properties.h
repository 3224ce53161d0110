/* properties.h - the laws, each a function over one generated case: NULL when it holds, else what is wrong. */
#ifndef TC_PROPERTY_PROPERTIES_H
#define TC_PROPERTY_PROPERTIES_H

#include "tests/property/run.h"

/* A case: drawn, written and compiled once, for all properties. */
struct kase {
	uint64_t seed;
	struct tc_arena *mem; /* of this case; properties may use it */
	struct model model;
	struct platform platform;
	struct batch batch;
	struct outcome outcome;
	struct batch output; /* the outcome's texts as input */
	struct trees trees;  /* of the output */
	bool skip;           /* set by a property that has nothing to say about this case */
};

const char *property_pure(struct kase *k);
const char *property_idempotent(struct kase *k);
const char *property_reads_back(struct kase *k);
const char *property_proved(struct kase *k);
const char *property_root_key(struct kase *k);
const char *property_dependency(struct kase *k);
const char *property_contract(struct kase *k);
const char *property_moved(struct kase *k);
const char *property_reconfigured(struct kase *k);
const char *property_hostile(struct kase *k);
const char *property_unique(struct kase *k);
const char *property_admit(struct kase *k);
const char *property_edit_lines(struct kase *k);
const char *property_stage_lines(struct kase *k);

/* Whole suites of their own: they run processes. Add to the counts, print failures. */
struct counts {
	unsigned long passed, failed, skipped;
};
void suite_no_memory(struct counts *c);
void suite_all_or_nothing(struct counts *c);
void suite_admit_golden(struct counts *c);
/* A check of a suite: counted, and named when it fails. */
void suite_check(struct counts *c, bool fine, const char *fmt, ...) TC_PRINTF(3, 4);

#endif
