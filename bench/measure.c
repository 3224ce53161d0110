/* measure.c - CPU time, wall time and peak memory of whole processes, side by side.
 *
 *   measure [-n RUNS] [-t SECONDS] [-o FILE] -- NAME GOAL PROGRAM [ARG]... [-- NAME GOAL PROGRAM
 * [ARG]...]...
 *
 * The programs take turns (A B C A B C ...), after one turn that does not count: whatever else the machine does slows
 * all of them alike. A program whose first run takes longer than two seconds runs once only, and that run counts.
 * Printed are medians, and ratios to the first program. GOAL is printed beside its row, and decides nothing: a slow
 * machine is no mistake. A run that takes longer than -t is stopped. -o appends NAME, CPU ms, wall ms and peak KiB,
 * with tabs, for sums over several groups.
 *
 * Exit status: 1 when a program fails, for then its time means nothing. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RUNS_MAX = 1001, PROGRAMS_MAX = 8, ONCE_MS = 2000 };

struct run {
	double cpu, wall; /* milliseconds */
	long peak;        /* KiB */
	int status;
	bool stopped;
};

struct program {
	const char *name, *goal;
	char **argv;
	bool stopped, once;
	size_t runs;
	long peak;
	double cpu[RUNS_MAX], wall[RUNS_MAX];
};

static struct program programs[PROGRAMS_MAX];

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("measure: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

static double milliseconds(struct timeval t)
{
	return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Its own process group, so that what it starts is stopped with it. */
static void __attribute__((noreturn)) become(char **argv, const sigset_t *mask)
{
	int null = open("/dev/null", O_RDWR);

	setpgid(0, 0);
	sigprocmask(SIG_SETMASK, mask, NULL);
	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0 &&
	    dup2(null, STDERR_FILENO) >= 0)
		execvp(argv[0], argv);
	_exit(127);
}

/* The peak of a child begins with what it inherits, so this program stays smaller than all it measures. */
static struct run run(char **argv, unsigned seconds)
{
	struct timespec limit = {.tv_sec = seconds};
	struct rusage used;
	struct run r = {0};
	sigset_t child, before;
	double start;
	pid_t pid;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &before);
	start = now();
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid == 0)
		become(argv, &before);
	while (sigtimedwait(&child, NULL, &limit) < 0) {
		if (errno != EAGAIN)
			continue;
		r.stopped = true;
		kill(-pid, SIGKILL);
		break;
	}
	if (wait4(pid, &r.status, 0, &used) != pid)
		die("wait4: %s", strerror(errno));
	r.wall = now() - start;
	r.cpu = milliseconds(used.ru_utime) + milliseconds(used.ru_stime);
	r.peak = used.ru_maxrss;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}

static void take_turn(struct program *p, bool counts, unsigned seconds)
{
	struct run r = run(p->argv, seconds);

	if (r.stopped) {
		p->stopped = true;
		return;
	}
	if (!WIFEXITED(r.status) || WEXITSTATUS(r.status) != 0) {
		fprintf(stderr, "measure: %s failed (%s %d):", p->name, WIFEXITED(r.status) ? "exit status" : "signal",
			WIFEXITED(r.status) ? WEXITSTATUS(r.status) : WTERMSIG(r.status));
		for (char **arg = p->argv; *arg; arg++)
			fprintf(stderr, " %s", *arg);
		fputc('\n', stderr);
		exit(1);
	}
	p->once = !counts && r.wall > ONCE_MS;
	if (!counts && !p->once)
		return;
	p->cpu[p->runs] = r.cpu;
	p->wall[p->runs++] = r.wall;
	if (r.peak > p->peak)
		p->peak = r.peak;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The value that a share of them (0.5: half) lies below. */
static double quantile(const double *values, size_t n, double share)
{
	double sorted[RUNS_MAX];

	memcpy(sorted, values, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_size);
	return sorted[(size_t)((double)(n - 1) * share + 0.5)];
}

static double median(const double *values, size_t n)
{
	return quantile(values, n, 0.5);
}

/* The quartiles are those of the ratios within each turn; one run alone has none. */
static void print_quartiles(const struct program *p, const struct program *first)
{
	size_t n = p->runs < first->runs ? p->runs : first->runs;
	double ratios[RUNS_MAX];

	for (size_t i = 0; i < n; i++)
		ratios[i] = p->cpu[i] / first->cpu[i];
	if (n > 1)
		printf("  %6.2f-%-6.2f", quantile(ratios, n, 0.25), quantile(ratios, n, 0.75));
	else
		printf("  %13s", "");
}

static void print_row(const struct program *p, const struct program *first)
{
	double cpu = median(p->cpu, p->runs), wall = median(p->wall, p->runs);

	printf("  %-38s %10.2f %10.2f %9.1f", p->name, cpu, wall, (double)p->peak / 1024);
	if (p != first && !first->stopped) {
		printf(" %8.2f", cpu / median(first->cpu, first->runs));
		print_quartiles(p, first);
		printf(" %8.2f", wall / median(first->wall, first->runs));
	} else if (p->goal[0]) {
		printf(" %8s  %13s %8s", "", "", "");
	}
	printf("%s%s\n", p->goal[0] ? "  " : "", p->goal);
}

static void print_table(size_t nprograms, unsigned seconds, FILE *rows)
{
	printf("  %-38s %10s %10s %9s %8s  %13s %8s  goal\n", "", "CPU ms", "wall ms", "peak MiB", "CPU x", "quartiles",
	       "wall x");
	for (size_t i = 0; i < nprograms; i++) {
		const struct program *p = &programs[i];

		if (p->stopped) {
			printf("  %-38s stopped after %u s\n", p->name, seconds);
			continue;
		}
		print_row(p, &programs[0]);
		if (rows)
			fprintf(rows, "%s\t%.3f\t%.3f\t%ld\n", p->name, median(p->cpu, p->runs),
				median(p->wall, p->runs), p->peak);
	}
}

/* Cuts the arguments at each "--". */
static size_t read_programs(char **argv)
{
	size_t n = 0;

	while (*argv) {
		struct program *p = &programs[n];

		if (n++ == PROGRAMS_MAX)
			die("more than %d programs", PROGRAMS_MAX);
		for (int i = 0; i < 3; i++)
			if (!argv[i] || strcmp(argv[i], "--") == 0)
				die("each program needs a name, a goal (maybe empty) and a command");
		p->name = argv[0];
		p->goal = argv[1];
		p->argv = argv += 2;
		while (*argv && strcmp(*argv, "--") != 0)
			argv++;
		if (*argv)
			*argv++ = NULL;
	}
	return n;
}

static unsigned number(const char *text, unsigned most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || n == 0 || n > most)
		die("\"%s\" is not a number from 1 to %u", text, most);
	return (unsigned)n;
}

int main(int argc, char **argv)
{
	unsigned runs = 21, seconds = 60;
	size_t nprograms;
	FILE *rows = NULL;
	int option;

	while ((option = getopt(argc, argv, "+n:t:o:")) != -1) {
		if (option == 'n')
			runs = number(optarg, RUNS_MAX);
		else if (option == 't')
			seconds = number(optarg, 3600);
		else if (option != 'o')
			return 2;
		else if (!(rows = fopen(optarg, "ae")))
			die("%s: %s", optarg, strerror(errno));
	}
	nprograms = read_programs(argv + optind);
	if (nprograms == 0)
		die("nothing to measure");
	for (unsigned turn = 0; turn <= runs; turn++)
		for (size_t i = 0; i < nprograms; i++)
			if (!programs[i].stopped && !programs[i].once)
				take_turn(&programs[i], turn > 0, seconds);
	print_table(nprograms, seconds, rows);
	if (rows && fclose(rows) != 0)
		die("%s", strerror(errno));
	return 0;
}
