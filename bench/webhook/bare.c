/* bare.c - what any libmicrohttpd server pays for an admission over TLS at least: bare CERT KEY ANSWER
 *
 * Takes POST bodies as they come, reads nothing of them, and answers each with the bytes of the file ANSWER. The same
 * library, TLS settings and threads as `tentc serve`. Prints "port N", and ends at the end of its input. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "webhook/tls.h"

struct text {
	char *s;
	size_t len;
};

static struct text answer;

static struct text read_file(const char *path)
{
	struct text t = {0};
	FILE *f = fopen(path, "rb");
	long size;

	if (!f || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0 || fseek(f, 0, SEEK_SET) != 0) {
		fprintf(stderr, "bare: cannot read %s\n", path);
		exit(2);
	}
	t.s = calloc(1, (size_t)size + 1);
	t.len = t.s ? fread(t.s, 1, (size_t)size, f) : 0;
	fclose(f);
	return t;
}

/* NOLINTNEXTLINE(readability-function-size): the library's signature */
static enum MHD_Result respond(void *self, struct MHD_Connection *c, const char *url, const char *method,
			       const char *version, const char *body, size_t *size, void **request)
{
	static char seen;
	struct MHD_Response *response;
	enum MHD_Result result;

	(void)self, (void)url, (void)method, (void)version, (void)body;
	if (!*request) {
		*request = &seen;
		return MHD_YES;
	}
	if (*size) {
		*size = 0;
		return MHD_YES;
	}
	response = MHD_create_response_from_buffer(answer.len, answer.s, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	result = MHD_queue_response(c, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

int main(int argc, char **argv)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const union MHD_DaemonInfo *info;
	struct MHD_Daemon *daemon;
	struct text cert, key;

	if (argc != 4) {
		fputs("bare: give files: CERT KEY ANSWER\n", stderr);
		return 2;
	}
	cert = read_file(argv[1]);
	key = read_file(argv[2]);
	answer = read_file(argv[3]);
	daemon = MHD_start_daemon(MHD_USE_TLS | MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TURBO, 0, NULL, NULL, respond,
				  NULL, MHD_OPTION_SOCK_ADDR, &here, MHD_OPTION_HTTPS_MEM_CERT, cert.s,
				  MHD_OPTION_HTTPS_MEM_KEY, key.s, MHD_OPTION_HTTPS_PRIORITIES, TC_TLS_PRIORITIES,
				  MHD_OPTION_THREAD_POOL_SIZE, 2U, MHD_OPTION_END);
	info = daemon ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
	if (!info) {
		fputs("bare: cannot start\n", stderr);
		return 1;
	}
	printf("port %u\n", (unsigned)info->port);
	fflush(stdout);
	while (getchar() != EOF)
		;
	MHD_stop_daemon(daemon);
	free(cert.s);
	free(key.s);
	free(answer.s);
	return 0;
}
