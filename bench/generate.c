/* generate.c - a stream of Deployments like those of a real shop: generate COUNT [EVERY]
 *
 * Each is about 920 bytes. Of EVERY the first has a contract in its annotation (0, the default: none has). Equal
 * arguments give equal bytes: all that differs between two Deployments comes from their number. */
#include <stdio.h>
#include <stdlib.h>

enum { ENCLAVES = 20 };

struct service {
	const char *name, *image;
	unsigned port;
	const char *variable, *address; /* of another service */
};

static const struct service services[] = {
	{"frontend", "shop/frontend:v0.10.2", 8080, "PRODUCT_CATALOG_ADDR", "catalog:3550"},
	{"catalog", "shop/catalog:v0.9.14", 3550, "CURRENCY_ADDR", "currency:7000"},
	{"currency", "shop/currency@sha256:6d1f5d2f8f1c", 7000, "RATES_ADDR", "rates:7001"},
	{"cart", "shop/cart:v0.10.2", 7070, "SESSION_ADDR", "session:6380"},
	{"recommend", "shop/recommend:2024-11-05", 8080, "PRODUCT_CATALOG_ADDR", "catalog:3550"},
	{"shipping", "shop/shipping:v1", 50051, "TARIFF_ADDR", "tariff:50052"},
	{"checkout", "shop/checkout:v0.10.2", 5050, "SHIPPING_ADDR", "shipping:50051"},
};

static const char *const contracts[] = {
	"        tentacular-postgres:\n",

	"        tentacular-postgres:\n"
	"        tentacular-rustfs:\n"
	"          protocol: s3\n",

	"        tentacular-nats:\n"
	"          protocol: nats\n"
	"        github:\n"
	"          protocol: https\n"
	"          host: api.github.com\n",

	"        tentacular-postgres: {protocol: postgresql}\n"
	"        tentacular-rustfs:\n"
	"        tentacular-nats:\n"
	"        tentacular-spire:\n",
};

static void print_metadata(const struct service *s, unsigned long n, const char *contract)
{
	printf("---\n"
	       "apiVersion: apps/v1\n"
	       "kind: Deployment\n"
	       "metadata:\n"
	       "  name: %s-%05lu\n"
	       "  namespace: shop-%02lu\n"
	       "  labels:\n"
	       "    app: %s\n",
	       s->name, n, n % ENCLAVES, s->name);
	if (contract)
		printf("  annotations:\n"
		       "    tentacular.io/contract: |\n"
		       "      version: \"1\"\n"
		       "      dependencies:\n%s",
		       contract);
}

static void print_spec(const struct service *s, unsigned long n)
{
	printf("spec:\n"
	       "  replicas: %lu\n"
	       "  selector:\n"
	       "    matchLabels:\n"
	       "      app: %s\n"
	       "  template:\n"
	       "    metadata:\n"
	       "      labels:\n"
	       "        app: %s\n"
	       "    spec:\n"
	       "      securityContext:\n"
	       "        runAsNonRoot: true\n"
	       "      containers:\n",
	       1 + n % 3, s->name, s->name);
	printf("      - name: server\n"
	       "        image: registry.example.com/%s\n"
	       "        ports:\n"
	       "        - containerPort: %u\n"
	       "        readinessProbe:\n"
	       "          initialDelaySeconds: %lu\n"
	       "          httpGet:\n"
	       "            path: \"/_healthz\"\n"
	       "            port: %u\n"
	       "        env:\n"
	       "        - name: PORT\n"
	       "          value: \"%u\"\n"
	       "        - name: %s\n"
	       "          value: \"%s\"\n"
	       "        # the profiler is for staging only\n"
	       "        - name: ENABLE_PROFILER\n"
	       "          value: '0'\n",
	       s->image, s->port, 5 + n % 10, s->port, s->port, s->variable, s->address);
	printf("        resources:\n"
	       "          requests:\n"
	       "            cpu: 100m\n"
	       "            memory: %luMi\n"
	       "          limits:\n"
	       "            cpu: 200m\n"
	       "            memory: %luMi\n",
	       64 + n % 64, 128 + n % 64);
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned long every = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

	if (count == 0 || argc > 3) {
		fputs("generate: give a COUNT, and of how many one has a contract\n", stderr);
		return 2;
	}
	for (unsigned long n = 0; n < count; n++) {
		const struct service *s = &services[n % (sizeof(services) / sizeof(services[0]))];
		const char *contract = NULL;

		if (every && n % every == 0)
			contract = contracts[n / every % (sizeof(contracts) / sizeof(contracts[0]))];
		print_metadata(s, n, contract);
		print_spec(s, n);
	}
	return ferror(stdout) || fclose(stdout) != 0;
}
