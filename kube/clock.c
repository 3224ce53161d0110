#include "kube/clock.h"

#include <sys/random.h>
#include <time.h>

int64_t tc_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void tc_micro_time(char out[TC_MICRO_TIME])
{
	struct timespec t;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &t);
	gmtime_r(&t.tv_sec, &tm);
	n = strftime(out, TC_MICRO_TIME, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, TC_MICRO_TIME - n, ".%06ldZ", t.tv_nsec / 1000);
}

/* Digits by a pattern: '0' is one, anything else stands for itself. */
static bool fits(const char *s, const char *pattern)
{
	for (; *pattern; s++, pattern++)
		if (*pattern == '0' ? !tc_is_digit(*s) : *s != *pattern)
			return false;
	return true;
}

static int number(const char *s, int digits)
{
	int n = 0;

	while (digits-- > 0)
		n = n * 10 + *s++ - '0';
	return n;
}

int64_t tc_time_parse(struct tc_str text)
{
	char s[40] = "";
	struct tm tm = {0};
	const char *p;
	int zone = 0;

	if (text.len < 20 || text.len >= sizeof(s))
		return -1;
	memcpy(s, text.s, text.len);
	if (!fits(s, "0000-00-00T00:00:00"))
		return -1;
	tm.tm_year = number(s, 4) - 1900;
	tm.tm_mon = number(s + 5, 2) - 1;
	tm.tm_mday = number(s + 8, 2);
	tm.tm_hour = number(s + 11, 2);
	tm.tm_min = number(s + 14, 2);
	tm.tm_sec = number(s + 17, 2);
	p = s + 19;
	if (*p == '.')
		for (p++; tc_is_digit(*p);)
			p++;
	if (fits(p, "+00:00") || fits(p, "-00:00")) {
		zone = (number(p + 1, 2) * 60 + number(p + 4, 2)) * (*p == '-' ? -60 : 60);
		p += 6;
	} else if (*p == 'Z') {
		p++;
	} else {
		return -1;
	}
	return *p ? -1 : (int64_t)timegm(&tm) - zone;
}

void tc_clock_wait(int64_t milliseconds, const atomic_bool *stop)
{
	int64_t end = tc_clock() + milliseconds, left;

	while ((left = end - tc_clock()) > 0 && !(stop && atomic_load(stop))) {
		int64_t part = stop && left > 200 ? 200 : left;

		nanosleep(&(struct timespec){.tv_sec = part / 1000, .tv_nsec = part % 1000 * 1000000}, NULL);
	}
}

int64_t tc_jitter(int64_t n)
{
	uint32_t random = 0;

	/* Without a random number it is half: still a wait. */
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = 0;
	return n / 2 + (int64_t)random % (n / 2 + 1);
}
