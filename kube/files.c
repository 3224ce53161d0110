#include "kube/access.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int cannot_read(struct tc_error *err, const char *path, int error)
{
	return tc_fail(err, TC_E_USAGE, "cannot read %s: %s", path, strerrordesc_np(error));
}

int tc_kube_read_file(struct tc_str *out, struct tc_arena *mem, const char *path, size_t max, struct tc_error *err)
{
	/* A FIFO must not hold us up; for a regular file O_NONBLOCK means nothing. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t n = 0, cap;
	struct stat st;
	ssize_t got;
	char *p;

	*out = (struct tc_str){0};
	if (fd < 0) {
		int missing = errno == ENOENT || errno == ENOTDIR;

		cannot_read(err, path, errno);
		return missing ? 1 : -1;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return tc_fail(err, TC_E_USAGE, "cannot read %s: it is no regular file", path);
	}
	cap = st.st_size > 0 && (size_t)st.st_size < max ? (size_t)st.st_size : max;
	/* One byte more shows that there is more. */
	p = tc_alloc_text(mem, cap + 2);
	do {
		got = read(fd, p + n, cap + 1 - n);
		if (got > 0)
			n += (size_t)got;
	} while (n <= cap && (got > 0 || (got < 0 && errno == EINTR)));
	if (got < 0) {
		int error = errno;

		close(fd);
		return cannot_read(err, path, error);
	}
	close(fd);
	if (n > cap)
		return tc_fail(err, TC_E_USAGE, "cannot read %s: it is larger than %zu bytes", path, cap);
	p[n] = '\0';
	*out = (struct tc_str){.s = p, .len = n};
	return 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool tc_kube_token(struct tc_str *token)
{
	while (token->len > 0 && is_space(token->s[0])) {
		token->s++;
		token->len--;
	}
	while (token->len > 0 && is_space(token->s[token->len - 1]))
		token->len--;
	for (size_t i = 0; i < token->len; i++)
		if (token->s[i] <= ' ' || token->s[i] > '~')
			return false;
	return token->len > 0;
}

bool tc_kube_base64(struct tc_str *out, struct tc_arena *mem, struct tc_str text)
{
	char *p = tc_alloc_text(mem, text.len / 4 * 3 + 4);
	size_t n = 0, digits = 0, pads = 0;
	uint32_t bits = 0;

	for (size_t i = 0; i < text.len; i++) {
		int digit = tc_base64_digit(text.s[i]);

		if (is_space(text.s[i]))
			continue;
		if (text.s[i] == '=') {
			pads++;
			continue;
		}
		if (digit < 0 || pads > 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
		if (++digits % 4 == 0) {
			p[n++] = (char)(bits >> 16);
			p[n++] = (char)(bits >> 8);
			p[n++] = (char)bits;
		}
	}
	if (digits % 4 == 1 || pads > 2 || (pads > 0 && (digits + pads) % 4 != 0) || (pads == 0 && digits % 4 != 0))
		return false;
	if (digits % 4 >= 2)
		p[n++] = (char)(bits >> (digits % 4 == 2 ? 4 : 10));
	if (digits % 4 == 3)
		p[n++] = (char)(bits >> 2);
	p[n] = '\0';
	*out = (struct tc_str){.s = p, .len = n};
	return true;
}
