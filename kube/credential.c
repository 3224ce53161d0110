#include "kube/credential.h"

#include <time.h>

#include "kube/clock.h"

#define FILE_AGE 60000 /* the kubelet replaces a token long before it expires */
#define EXPIRY_SLACK 10

void tc_kube_credential_clear(struct tc_kube_credential *cred)
{
	tc_arena_free(cred->mem); /* wipes */
	memset(cred, 0, sizeof(*cred));
}

static int read_file(struct tc_kube_credential *cred, const char *path, struct tc_kube_error *err)
{
	struct tc_str token;

	if (tc_kube_read_file(&token, cred->mem, path, TC_KUBE_TOKEN_MAX, &err->error) != 0)
		return -1;
	if (!tc_kube_token(&token))
		return tc_fail(&err->error, TC_E_USAGE, "%s holds no token", path);
	cred->token = tc_strndup(cred->mem, token.s, token.len);
	return 0;
}

static bool is_due(const struct tc_kube_credential *cred, bool exec)
{
	if (!cred->mem)
		return true;
	if (!exec)
		return tc_clock() - cred->read_at >= FILE_AGE;
	return cred->expires > 0 && (int64_t)time(NULL) >= cred->expires - EXPIRY_SLACK;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

int tc_kube_credential_refresh(struct tc_kube_credential *cred, const struct tc_kube_config *config, bool refused,
			       const atomic_bool *stop, struct tc_kube_error *err)
{
	struct tc_kube_credential new = {0};
	struct tc_kube_error trouble = {0};
	bool same;
	int done;

	if (!config->token_file && !config->exec) {
		cred->token = config->token;
		cred->cert = config->cert;
		cred->key = config->key;
		return 0;
	}
	if (!refused && !is_due(cred, config->exec != NULL))
		return 0;
	new.mem = tc_arena_new_secret(4096);
	new.read_at = tc_clock();
	done = config->exec ? tc_kube_exec_run(&new, config, stop, &trouble)
			    : read_file(&new, config->token_file, &trouble);
	if (done < 0) {
		tc_kube_credential_clear(&new);
		/* A file that is being replaced may be away for a moment: what we have may still be good. */
		if (cred->mem && !config->exec) {
			cred->read_at = tc_clock();
			return 0;
		}
		*err = trouble;
		return -1;
	}
	if (!config->exec) {
		new.cert = config->cert;
		new.key = config->key;
	}
	same = cred->mem && same_text(cred->token, new.token) && tc_str_equal(cred->cert, new.cert);
	tc_kube_credential_clear(cred);
	*cred = new;
	return same ? 0 : 1;
}
