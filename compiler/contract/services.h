/* services.h - what the files service_<name>.c share: their rows, and the values that several of them have. */
#ifndef TC_SERVICES_H
#define TC_SERVICES_H

#include "compiler/contract/catalogue.h"
#include "compiler/contract/identity.h"

extern const struct tc_service tc_service_postgres;
extern const struct tc_service tc_service_rustfs;
extern const struct tc_service tc_service_nats;
extern const struct tc_service tc_service_spire;

const char *tc_value_host(const struct tc_subject *s);
const char *tc_value_port(const struct tc_subject *s);
const char *tc_value_tls_mode(const struct tc_subject *s); /* NULL where it is not set */
const char *tc_value_tls_ca(const struct tc_subject *s);   /* NULL where it is not set */
const char *tc_value_tentacle(const struct tc_subject *s); /* tent_<enclave>_<name> */

/* The rows that begin every network service, and those that end it. */
#define TC_VALUE_PROTOCOL(what)                                       \
	{                                                             \
		"protocol", TC_V_CONTRACT | TC_V_SECRET, NULL, (what) \
	}
#define TC_VALUE_HOST                                                                      \
	{                                                                                  \
		"host", TC_V_CONTRACT | TC_V_SECRET, tc_value_host, "where the service is" \
	}
#define TC_VALUE_PORT                                                                     \
	{                                                                                 \
		"port", TC_V_CONTRACT | TC_V_SECRET | TC_V_INT, tc_value_port, "its port" \
	}
#define TC_VALUE_TLS_MODE                                                                           \
	{                                                                                           \
		"tls_mode", TC_V_SECRET, tc_value_tls_mode, "how the service is spoken to over TLS" \
	}
#define TC_VALUE_TLS_CA                                                                                        \
	{                                                                                                      \
		"ca", TC_V_SECRET, tc_value_tls_ca, "certificates that the service's own is checked with, PEM" \
	}

#endif
