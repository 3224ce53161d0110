#include "compiler/base/diag.h"

#define ROW(number, grade, constant, text) \
	{.id = TC_MSG_##constant, .severity = TC_##grade, .name = #constant, .meaning = (text)},
static const struct tc_message messages[] = {TC_MESSAGES(ROW)};
#undef ROW

const struct tc_message *tc_messages(size_t *count)
{
	*count = TC_COUNT(messages);
	return messages;
}

const struct tc_message *tc_message(enum tc_msg id)
{
	for (size_t i = 0; i < TC_COUNT(messages); i++)
		if (messages[i].id == id)
			return &messages[i];
	abort(); /* unreachable: the enumeration and the table are one list */
}
