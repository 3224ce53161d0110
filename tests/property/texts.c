#include "tests/property/texts.h"

#include <ftw.h>
#include <sys/stat.h>

#include "compiler/base/buf.h"

#define TEXTS_MAX 1000
#define TEXT_MAX (256 << 10)

/* Read once; they stay. */
static struct tc_source texts[TEXTS_MAX];
static size_t count;

static int visit(const char *path, const struct stat *st, int type, struct FTW *place)
{
	struct tc_buf text = {0};
	FILE *f;

	(void)place;
	if (type != FTW_F || st->st_size > TEXT_MAX || count == TEXTS_MAX ||
	    !(strstr(path, "/in/") || strstr(path, "/corpus/")))
		return 0;
	f = fopen(path, "rb");
	if (!f)
		return 0;
	tc_buf_reserve(&text, (size_t)st->st_size);
	text.len = fread(text.p, 1, (size_t)st->st_size, f);
	(void)fclose(f);
	texts[count++] = (struct tc_source){.name = strdup(path), .text = tc_buf_str(&text)};
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tc_source *)a)->name, ((const struct tc_source *)b)->name);
}

const struct tc_source *texts_pick(uint64_t nth)
{
	if (count == 0) {
		(void)nftw("testdata/golden", visit, 16, FTW_PHYS);
		(void)nftw("testdata/corpus", visit, 16, FTW_PHYS);
		qsort(texts, count, sizeof(texts[0]), by_name);
	}
	return count ? &texts[nth % count] : NULL;
}
