#include "cli/start.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/output.h"

/* abort() is how the compiler ends when memory does: nothing may be allocated here. */
static void on_abort(int number)
{
	static const char text[] = "tentc: out of memory or internal error\n";
	ssize_t lost;

	(void)number;
	tc_outputs_unlink();
	lost = write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)lost;
	_exit(TC_E_BUG);
}

/* SA_RESETHAND put the default back: the second one ends the process with the signal's own status. */
static void on_stop(int number)
{
	tc_outputs_unlink();
	(void)raise(number);
}

static void handle_signals(void)
{
	static const struct {
		int number, flags;
		void (*handler)(int);
	} rows[] = {
		{SIGPIPE, 0, SIG_IGN}, /* a reader that went away is a write error, with a message */
		{SIGXFSZ, 0, SIG_IGN}, /* so is ulimit -f */
		{SIGABRT, 0, on_abort},
		{SIGINT, (int)SA_RESETHAND, on_stop},
		{SIGTERM, (int)SA_RESETHAND, on_stop},
		{SIGHUP, (int)SA_RESETHAND, on_stop},
	};
	struct sigaction was;

	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		struct sigaction want = {.sa_handler = rows[i].handler, .sa_flags = rows[i].flags};

		/* nohup and background jobs ignore some of them: that is kept */
		if (sigaction(rows[i].number, NULL, &was) == 0 && was.sa_handler != SIG_IGN)
			(void)sigaction(rows[i].number, &want, NULL);
	}
}

/* With one of 0, 1, 2 closed, the first file that is opened would become it, and messages would be written there. A
 * read-only /dev/null keeps the place, and a write to it still fails. */
static bool keep_standard_files(void)
{
	int fd;

	for (fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
			return false;
	return true;
}

int tc_start(int argc, char **argv, const struct tc_front *front)
{
	struct tc_error err = {0};
	int rc;

	/* Texts and trees are made and given back once per document: without this the heap's top goes back to the
	 * system each time, and comes again page by page. */
	(void)mallopt(M_TRIM_THRESHOLD, 64 << 20);
	(void)mallopt(M_TOP_PAD, 256 << 10);
	if (!keep_standard_files())
		return TC_E_USAGE;
	handle_signals();
	rc = tc_cli_run(argc, argv, front, &err);
	/* some file systems tell only now that the bytes did not fit */
	if (rc >= 0 && close(STDOUT_FILENO) < 0 && errno != EINTR)
		rc = tc_fail(&err, TC_E_USAGE, "cannot write to standard output: %s", tc_errno(errno));
	if (rc < 0)
		tc_say("%s: %s", err.code == TC_E_BUG ? "internal error" : "error", err.msg);
	return rc < 0 ? (int)err.code : rc;
}
