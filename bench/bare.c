/* bare.c - what any program that reads YAML with libyaml pays at least: bare FILE
 *
 * Reads the file, and takes every event of the whole stream from one parser. Nothing is kept, nothing checked. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

static unsigned char *read_file(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned char *text = NULL;
	struct stat st;
	ssize_t n;

	*len = 0;
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0)
		text = malloc((size_t)st.st_size + 1);
	while (text && *len < (size_t)st.st_size && (n = read(fd, text + *len, (size_t)st.st_size - *len)) > 0)
		*len += (size_t)n;
	close(fd);
	return text;
}

static bool parse(const unsigned char *text, size_t len)
{
	yaml_parser_t parser;
	yaml_event_t event;
	bool more = true;

	if (!yaml_parser_initialize(&parser))
		return false;
	yaml_parser_set_input_string(&parser, text, len);
	while (more) {
		if (!yaml_parser_parse(&parser, &event)) {
			fprintf(stderr, "bare: line %zu: %s\n", parser.problem_mark.line + 1, parser.problem);
			break;
		}
		more = event.type != YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return !more;
}

int main(int argc, char **argv)
{
	unsigned char *text;
	size_t len;
	bool fine;

	if (argc != 2 || !(text = read_file(argv[1], &len))) {
		fputs("bare: give one FILE that can be read\n", stderr);
		return 2;
	}
	fine = parse(text, len);
	free(text);
	return fine ? 0 : 3;
}
