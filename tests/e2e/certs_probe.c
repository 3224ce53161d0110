/* certs_probe.c - one replica's certificates as a program, for tests/e2e/test_certs.py: publishes as tentc serve does,
 * and answers HTTPS with what is served.
 *
 *   certs_probe KUBECONFIG PORT LIFETIME WEBHOOK NAME...
 *
 * Port on 127.0.0.1; lifetime of a leaf in seconds. The log goes to stdout, as JSON. Ends on SIGTERM. */
#include "webhook/publish.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include <microhttpd.h>

#include "webhook/serving_gnutls.h"

static struct tc_serving *serving; /* for the callback */
static atomic_bool stop;

static void on_signal(int number)
{
	(void)number;
	atomic_store(&stop, true);
}

static int retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info, gnutls_pcert_st **certs,
		    unsigned *ncerts, gnutls_ocsp_data_st **ocsp, unsigned *nocsp, gnutls_privkey_t *key,
		    unsigned *flags)
{
	(void)session;
	(void)info;
	*ocsp = NULL;
	*nocsp = 0;
	return tc_serving_answer(serving, certs, ncerts, key, flags);
}

static enum MHD_Result answer(void *self, struct MHD_Connection *c, const char *url, const char *method,
			      const char *version, const char *body, size_t *size, void **request)
{
	static char text[] = "served\n";
	struct MHD_Response *r = MHD_create_response_from_buffer(sizeof(text) - 1, text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result rc;

	(void)self;
	(void)url;
	(void)method;
	(void)version;
	(void)body;
	(void)size;
	(void)request;
	rc = MHD_queue_response(c, MHD_HTTP_OK, r);
	MHD_destroy_response(r);
	return rc;
}

static void publish(struct tc_publish *p, struct tc_kube *k, struct tc_log *log)
{
	while (!atomic_load(&stop)) {
		struct tc_kube_error err = {0};
		unsigned again = 0;

		if (tc_publish_step(p, k, serving, (int64_t)time(NULL), &again, log, &err) < 0)
			tc_log(log, TC_LOG_ERROR, "step failed",
			       (struct tc_field[]){TC_LOG_TEXT("error", tc_str(err.error.msg))}, 1);
		for (unsigned i = 0; i < again * 20 && !atomic_load(&stop); i++)
			(void)usleep(50000);
	}
}

int main(int argc, char **argv)
{
	struct tc_log log = {.fd = STDOUT_FILENO, .json = true};
	_cleanup_(tc_kube_config_free) struct tc_kube_config *config = NULL;
	_cleanup_(tc_kube_free) struct tc_kube *k = NULL;
	_cleanup_(tc_publish_free) struct tc_publish *p = NULL;
	struct tc_kube_error err = {0};
	struct sockaddr_in where = {.sin_family = AF_INET};
	struct MHD_Daemon *door;

	if (argc < 6)
		return 2;
	(void)signal(SIGTERM, on_signal);
	(void)signal(SIGINT, on_signal);
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
	if (tc_kube_config_load(&config, &(struct tc_kube_source){.kubeconfig = argv[1]}, &err) < 0 ||
	    tc_kube_open(&k, config, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.error.msg);
		return 1;
	}
	where.sin_port = htons((uint16_t)strtol(argv[2], NULL, 10));
	where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	serving = tc_serving_new();
	door = MHD_start_daemon(MHD_USE_TLS | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL,
				NULL, answer, NULL, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&where,
				MHD_OPTION_HTTPS_CERT_CALLBACK2, retrieve, MHD_OPTION_CONNECTION_TIMEOUT, 10u,
				MHD_OPTION_END);
	if (!door)
		return 1;
	p = tc_publish_new(&(struct tc_publish_conf){.ns = "tentacular-system",
						     .secret = "tentc-webhook-certs",
						     .webhook = argv[4],
						     .lifetime = strtoll(argv[3], NULL, 10),
						     .names = (const char *const *)&argv[5],
						     .nnames = (size_t)argc - 5});
	publish(p, k, &log);
	MHD_stop_daemon(door);
	tc_serving_free(serving);
	curl_global_cleanup();
	return 0;
}
