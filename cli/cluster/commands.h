/* commands.h - what tentc-cluster runs; their rows are in cli/cmd_*.c, the numbers of their options in cli/cluster.h.
 */
#ifndef TC_COMMANDS_H
#define TC_COMMANDS_H

#include "cli/cluster.h"
#include "kube/config.h"

int tc_serve(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err);
/* serve --controller */
int tc_serve_controller(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err);
int tc_certs(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err);
int tc_register(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err);
int tc_undeploy(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err);
int tc_enclave(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err);
int tc_status(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err);
int tc_list_records(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err);
int tc_resume(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err);
int tc_doctor(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err);

/* Finds the API server from --kubeconfig (NULL: not given) and the environment. */
int tc_kube_find(struct tc_kube_config **out, const char *kubeconfig, struct tc_error *err);
/* "NAMESPACE/NAME" into its two parts, in mem. */
int tc_split_name(struct tc_arena *mem, const char *option, const char *value, const char **ns, const char **name,
		  struct tc_error *err);
/* A whole number of an option; NULL: fallback. */
int tc_number(const char *option, const char *value, unsigned least, unsigned most, unsigned fallback, unsigned *number,
	      struct tc_error *err);
/* "90d", "12h", "30m", "60s" in seconds; NULL: fallback. */
int tc_duration(const char *option, const char *value, int64_t fallback, int64_t *seconds, struct tc_error *err);
/* "127.0.0.1:8443", "[::1]:8443", ":8443" (all addresses); the address is in mem, without brackets. */
int tc_address(struct tc_arena *mem, const char *option, const char *value, const char **address, unsigned *port,
	       struct tc_error *err);
/* "a,b" into its parts; *names is an array in mem. */
int tc_list(struct tc_arena *mem, const char *option, const char *value, const char ***names, size_t *count,
	    struct tc_error *err);

#endif
