#include "registrars/xml.h"

#include <expat.h>

#include "compiler/base/buf.h"

struct building {
	struct tc_xml node;
	struct tc_xml *last; /* of its elements */
};

struct reader {
	struct tc_arena *mem;
	XML_Parser parser;
	struct building *open[TC_XML_DEPTH];
	struct tc_buf text[TC_XML_DEPTH];
	size_t depth, elements;
	const struct tc_xml *root;
	const char *fault;
};

static void refuse(struct reader *r, const char *fault)
{
	r->fault = fault;
	XML_StopParser(r->parser, XML_FALSE);
}

static void on_start(void *self, const XML_Char *name, const XML_Char **attributes)
{
	struct reader *r = self;
	const char *colon = strrchr(name, ':');
	struct building *b;

	(void)attributes;
	if (r->fault)
		return;
	if (r->depth == TC_XML_DEPTH) {
		refuse(r, "is nested too deeply");
		return;
	}
	if (r->elements++ == TC_XML_ELEMENTS) {
		refuse(r, "has too many elements");
		return;
	}
	b = tc_alloc(r->mem, sizeof(*b));
	b->node.name = tc_strdup(r->mem, colon ? colon + 1 : name);
	if (r->depth) {
		struct building *parent = r->open[r->depth - 1];

		if (parent->last)
			parent->last->next = &b->node;
		else
			parent->node.first = &b->node;
		parent->last = &b->node;
	} else {
		r->root = &b->node;
	}
	tc_buf_clear(&r->text[r->depth]);
	r->open[r->depth++] = b;
}

static void on_end(void *self, const XML_Char *name)
{
	struct reader *r = self;
	struct tc_str text;

	(void)name;
	if (r->fault || !r->depth)
		return;
	r->depth--;
	text = tc_buf_str(&r->text[r->depth]);
	r->open[r->depth]->node.text = (struct tc_str){.s = tc_strndup(r->mem, text.s, text.len), .len = text.len};
}

static void on_text(void *self, const XML_Char *s, int n)
{
	struct reader *r = self;

	if (!r->fault && r->depth)
		tc_buf_add(&r->text[r->depth - 1], s, (size_t)n);
}

static void on_doctype(void *self, const XML_Char *name, const XML_Char *system, const XML_Char *public, int internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	refuse(self, "has a document type");
}

const struct tc_xml *tc_xml_read(struct tc_arena *mem, struct tc_str text, const char **fault)
{
	struct reader r = {.mem = mem};

	if (text.len > TC_XML_BYTES) {
		*fault = "is too large";
		return NULL;
	}
	r.parser = XML_ParserCreate(NULL);
	if (!r.parser)
		tc_no_memory();
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, on_start, on_end);
	XML_SetCharacterDataHandler(r.parser, on_text);
	XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
	if (XML_Parse(r.parser, text.s ? text.s : "", (int)text.len, 1) != XML_STATUS_OK && !r.fault)
		r.fault = tc_printf(mem, "is not XML: %s in line %lu", XML_ErrorString(XML_GetErrorCode(r.parser)),
				    XML_GetCurrentLineNumber(r.parser));
	XML_ParserFree(r.parser);
	for (size_t i = 0; i < TC_XML_DEPTH; i++)
		tc_buf_free(&r.text[i]);
	*fault = r.fault;
	return r.fault ? NULL : r.root;
}

const struct tc_xml *tc_xml_get(const struct tc_xml *n, const char *name)
{
	for (const struct tc_xml *child = n ? n->first : NULL; child; child = child->next)
		if (strcmp(child->name, name) == 0)
			return child;
	return NULL;
}

struct tc_str tc_xml_text(const struct tc_xml *n, const char *name)
{
	const struct tc_xml *child = tc_xml_get(n, name);

	return child ? child->text : TC_STR("");
}
