/* scalar.h - what a plain scalar means to Kubernetes (YAML 1.1 as sigs.k8s.io/yaml 1.6 reads it), and how a text must
 * be written to mean itself.
 *
 * No floating point and no locale: numbers are judged and rewritten as text. */
#ifndef TC_SCALAR_H
#define TC_SCALAR_H

#include "compiler/tree/node.h"

enum tc_scalar_fault {
	TC_SCALAR_FINE,
	TC_SCALAR_NOT_FINITE, /* .inf, .nan: JSON has no such number, Kubernetes refuses them */
	TC_SCALAR_BAD_TAG,    /* the text does not fit its tag: !!int "x" */
};

/* The kind of a plain, untagged scalar: TC_NULL, TC_BOOL, TC_INT, TC_FLOAT, TC_STRING. .inf and .nan are TC_FLOAT with
 * fault set. `y n yes no on off true false` in three spellings are booleans; 0o17, 017, 0x1F, 0b11, 1_000 integers; 08,
 * 1e3, .5, 5. and integers beyond 2^64-1 floats; 1:30, 2001-01-01, 1e400 strings. */
enum tc_kind tc_scalar_kind(struct tc_str text, enum tc_scalar_fault *fault);

/* The kind of a scalar with an explicit tag (resolved form), in whatever style it stands: !!int "1" is an integer. May
 * rewrite *text (!!binary is decoded). A tag that YAML does not define makes a string: !mine 12 is "12". */
enum tc_kind tc_scalar_tagged(struct tc_arena *mem, const char *tag, struct tc_str *text, enum tc_scalar_fault *fault);

bool tc_scalar_true(struct tc_str text); /* of a TC_BOOL */

/* A number as JSON writes it: 0x1F -> 31, .5 -> 0.5, 1_000 -> 1000; valid JSON stays as it is. kind: TC_INT or
 * TC_FLOAT. */
struct tc_str tc_scalar_json_number(struct tc_arena *mem, struct tc_str text, enum tc_kind kind);

/* True if both are the same number. */
bool tc_scalar_same_number(struct tc_str a, struct tc_str b);

/* True if text, written plain in the given place, is read back as the string it is. flow: inside [] or {}; key: as a
 * key. */
bool tc_scalar_plain_ok(struct tc_str text, bool flow, bool key);

#endif
