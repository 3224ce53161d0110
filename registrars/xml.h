/* xml.h - the XML that S3 servers answer with, as a small tree. Internal to registrars/.
 *
 * Read by expat. A document type is refused, so there are no entities but the five of XML; depth, elements and bytes
 * are bounded. Names are without their prefix. */
#ifndef TC_XML_H
#define TC_XML_H

#include "compiler/base/arena.h"

struct tc_xml {
	const char *name;
	struct tc_str text; /* terminated; of an element with elements in it: what stands between them */
	const struct tc_xml *first, *next;
};

#define TC_XML_DEPTH 16
#define TC_XML_ELEMENTS 100000
#define TC_XML_BYTES (16u << 20)

/* NULL: *fault says why, in mem. */
const struct tc_xml *tc_xml_read(struct tc_arena *mem, struct tc_str text, const char **fault);
/* The first element of that name in n, or NULL. n may be NULL. */
const struct tc_xml *tc_xml_get(const struct tc_xml *n, const char *name);
/* Its text, or "". */
struct tc_str tc_xml_text(const struct tc_xml *n, const char *name);

#endif
