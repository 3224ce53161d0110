/* format.h - vsnprintf for the formats that are used all the time.
 *
 * Same arguments, same bytes, same answer. %s, %.*s, %c, %u and %zu are done here; a format with anything else in it
 * goes to vsnprintf. Most names and paths are made of texts alone, and reading a format costs more than copying them.
 */
#ifndef TC_FORMAT_H
#define TC_FORMAT_H

#include "compiler/base/base.h"

int tc_format(char *to, size_t room, const char *fmt, va_list ap) TC_PRINTF(3, 0);

#endif
