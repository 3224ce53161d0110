/* XML of S3 servers: what is read, and what is refused. */
#include "unit.h"

#include "compiler/base/buf.h"
#include "registrars/xml.h"

static int set_up(void **state)
{
	*state = tc_arena_new(4096);
	return 0;
}

static int tear_down(void **state)
{
	tc_arena_free(*state);
	return 0;
}

static void check_text(const struct tc_xml *n, const char *name, const char *want)
{
	struct tc_str text = tc_xml_text(n, name);

	assert_string_equal(text.s, want);
	assert_int_equal(text.len, strlen(want));
}

static void test_list(void **state)
{
	const char *fault;
	const struct tc_xml *root =
		tc_xml_read(*state,
			    TC_STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
				   "<a:ListVersionsResult xmlns:a=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n"
				   " <Name>b &amp; &#x3c;c&gt;</Name><Empty/>"
				   "<Version><Key>k1</Key></Version><DeleteMarker><Key>k2</Key></DeleteMarker>"
				   "<Version><Key><![CDATA[<k3>]]></Key></Version>"
				   "</a:ListVersionsResult>"),
			    &fault);
	const struct tc_xml *v;

	assert_non_null(root);
	assert_null(fault);
	assert_string_equal(root->name, "ListVersionsResult");
	check_text(root, "Name", "b & <c>");
	check_text(root, "Empty", "");
	check_text(root, "Missing", "");
	check_text(NULL, "Name", "");
	v = tc_xml_get(root, "Version");
	check_text(v, "Key", "k1");
	assert_string_equal(v->next->name, "DeleteMarker");
	check_text(v->next->next, "Key", "<k3>");
	assert_null(v->next->next->next);
	assert_null(tc_xml_get(root, "Prefix"));
}

static void check_refused(void *mem, struct tc_str text, const char *want)
{
	const char *fault = NULL;

	assert_null(tc_xml_read(mem, text, &fault));
	assert_string_equal(fault, want);
}

static void test_refused(void **state)
{
	check_refused(*state, TC_STR(""), "is not XML: no element found in line 1");
	check_refused(*state, TC_STR("{}"), "is not XML: not well-formed (invalid token) in line 1");
	check_refused(*state, TC_STR("<a><b></a>"), "is not XML: mismatched tag in line 1");
	check_refused(*state, TC_STR("<a>\n<b>"), "is not XML: no element found in line 2");
	check_refused(*state, TC_STR("<a>\x01</a>"), "is not XML: not well-formed (invalid token) in line 1");
}

static void test_entities(void **state)
{
	check_refused(*state, TC_STR("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>"), "has a document type");
	check_refused(*state, TC_STR("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>"), "has a document type");
	check_refused(*state, TC_STR("<a>&x;</a>"), "is not XML: undefined entity in line 1");
}

static void test_bounds(void **state)
{
	_cleanup_buf_ struct tc_buf deep = {0}, many = {0}, large = {0};
	const char *fault;

	for (unsigned i = 0; i <= TC_XML_DEPTH; i++)
		tc_buf_puts(&deep, "<a>");
	check_refused(*state, tc_buf_str(&deep), "is nested too deeply");
	tc_buf_puts(&many, "<l>");
	for (unsigned i = 0; i < TC_XML_ELEMENTS; i++)
		tc_buf_puts(&many, "<a/>");
	tc_buf_puts(&many, "</l>");
	check_refused(*state, tc_buf_str(&many), "has too many elements");
	tc_buf_fill(&large, ' ', TC_XML_BYTES + 1);
	check_refused(*state, tc_buf_str(&large), "is too large");
	tc_buf_clear(&deep);
	for (unsigned i = 0; i < TC_XML_DEPTH; i++)
		tc_buf_puts(&deep, "<a>");
	for (unsigned i = 0; i < TC_XML_DEPTH; i++)
		tc_buf_puts(&deep, "</a>");
	assert_non_null(tc_xml_read(*state, tc_buf_str(&deep), &fault));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_list, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_entities, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bounds, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
