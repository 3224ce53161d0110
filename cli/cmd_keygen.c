#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/output.h"
#include "compiler/base/diag.h"
#include "compiler/contract/credentials.h"
#include "compiler/contract/identity.h"

enum { OPT_KEY_ID, OPT_OUTPUT };

static const struct tc_option options[] = {
	[OPT_KEY_ID] = {.name = "key-id", .arg = "ID", .help = "name of the key (default: k1)"},
	[OPT_OUTPUT] = {.name = "output", .letter = 'o', .arg = "FILE", .help = "make this file, readable by you only"},
	{0},
};

static int fill(unsigned char key[TC_ROOT_KEY_LEN], struct tc_error *err)
{
	size_t have = 0;

	while (have < TC_ROOT_KEY_LEN) {
		ssize_t n = getrandom(key + have, TC_ROOT_KEY_LEN - have, 0);

		if (n < 0 && errno != EINTR)
			return tc_fail(err, TC_E_USAGE, "the system gives no random bytes: %s", tc_errno(errno));
		have += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* Never over another file: every credential hangs on the key that may be in it. */
static int write_new(struct tc_arena *mem, const char *path, struct tc_str text, struct tc_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), folder, rc;

	if (fd < 0 && errno == EEXIST)
		return tc_fail(
			err, TC_E_USAGE,
			"\"%s\" exists already, and a root key is never overwritten; give another name, or append "
			"a key of another id: tentc keygen --key-id ID >> %s",
			path, path);
	if (fd < 0)
		return tc_fail(err, TC_E_USAGE, "cannot make \"%s\": %s", path, tc_errno(errno));
	rc = tc_write_all(fd, path, &text, 1, err);
	if (rc == 0 && (fchmod(fd, 0600) < 0 || fsync(fd) < 0)) /* whatever the umask took away */
		rc = tc_fail(err, TC_E_USAGE, "cannot write to %s: %s", path, tc_errno(errno));
	if (close(fd) < 0 && errno != EINTR && rc == 0)
		rc = tc_fail(err, TC_E_USAGE, "cannot write to %s: %s", path, tc_errno(errno));
	if (rc < 0) {
		(void)unlink(path);
		return -1;
	}
	folder = open(tc_path_folder(mem, path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder >= 0) {
		(void)fsync(folder); /* the key itself is safe: at worst the name is gone after a power cut */
		close(folder);
	}
	return 0;
}

static int run(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err)
{
	const char *id = args->value[OPT_KEY_ID] ? args->value[OPT_KEY_ID] : "k1", *path = args->value[OPT_OUTPUT];
	const char *fault = tc_label_fault(cli->mem, tc_str(id));
	_cleanup_buf_ struct tc_buf line = {.secret = true};
	unsigned char key[TC_ROOT_KEY_LEN];
	int rc;

	if (fault)
		return tc_fail(err, TC_E_USAGE, "the key id %s %s", tc_quote(cli->mem, tc_str(id)), fault);
	tc_hide_memory();
	rc = fill(key, err);
	if (rc == 0) {
		tc_keyring_line(&line, id, key);
		if (path && strcmp(path, "-") != 0)
			rc = write_new(cli->mem, path, tc_buf_str(&line), err);
		else
			rc = tc_write_stdout(tc_buf_str(&line), err);
	}
	explicit_bzero(key, sizeof(key));
	if (rc == 0 && !path && isatty(STDOUT_FILENO))
		tc_say("every credential is derived from this line: keep it in a file (-o FILE), not on a screen");
	return rc;
}

const struct tc_command tc_cmd_keygen = {
	.name = "keygen",
	.summary = "make a root key, from which credentials are derived",
	.operands = "",
	.about = "Print a new root key as one line of a key file, `ID: BASE64`, for\n"
		 "compile --root-key-file. Whoever has it has every credential.\n",
	.examples = "  tentc keygen -o root.key\n"
		    "  tentc keygen --key-id k2 >> root.key\n",
	.options = options,
	.run = run,
};
