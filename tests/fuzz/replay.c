/* The main() of a fuzz door without a fuzz engine: feeds it files, each as it is and cut short at a few places. */
#include "compiler/base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool read_file(struct tc_buf *out, const char *name)
{
	char block[4096];
	size_t n;
	FILE *f = fopen(name, "rb");

	if (!f)
		return false;
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		tc_buf_add(out, block, n);
	return fclose(f) == 0;
}

/* In a block of its own size, so that a sanitizer sees a read behind the end. */
static void feed(const char *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	if (len)
		memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		_cleanup_buf_ struct tc_buf text = {0};

		/* Names the culprit should the door crash. */
		fprintf(stderr, "%s\n", argv[i]);
		if (!read_file(&text, argv[i])) {
			perror(argv[i]);
			return 1;
		}
		for (size_t part = 0; part <= 8; part++)
			feed(text.p, text.len * part / 8);
	}
	return 0;
}
