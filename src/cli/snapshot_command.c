#include "base/clock.h"
#include "cli/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child: never comes back. A group of its own, so that what it started can be ended with it. */
static void become(const char *command, int out) {
  int none = open("/dev/null", O_RDONLY);
  setpgid(0, 0);
  signal(SIGPIPE, SIG_DFL);
  if (none >= 0) dup2(none, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  execl("/bin/sh", "sh", "-c", command, (char *)NULL);
  _exit(127);
}

/* Until it closes its output, prints too much, or its time is over. */
static int take_output(int fd, struct sp_buf *out, struct sp_err *err) {
  int64_t until_ns = sp_clock_mono_ns() + SP_SNAPSHOT_TIME_MAX_S * SP_NS_PER_S;
  for (;;) {
    char piece[16384];
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    int64_t left_ms = (until_ns - sp_clock_mono_ns()) / SP_NS_PER_MS;
    if (left_ms <= 0) return sp_fail(err, SP_ELIMIT, "the snapshot command took over %d s", SP_SNAPSHOT_TIME_MAX_S);
    int ready = poll(&wait, 1, (int)left_ms);
    ssize_t len = ready > 0 ? read(fd, piece, sizeof(piece)) : 0;
    if (ready == 0 || ((ready < 0 || len < 0) && errno == EINTR)) continue;
    if (ready < 0 || len < 0) return sp_fail(err, SP_EIO, "cannot read from the snapshot command: %s", strerror(errno));
    if (len == 0) return 0;
    if (sp_buf_append(out, piece, (size_t)len)) {
      return sp_fail(err, SP_ELIMIT, "the snapshot command printed over %u bytes", SP_SNAPSHOT_OUTPUT_MAX);
    }
  }
}

static int reap(pid_t child, struct sp_err *err) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
  if (WIFEXITED(status)) return sp_fail(err, SP_EIO, "the snapshot command ended with %d", WEXITSTATUS(status));
  return sp_fail(err, SP_EIO, "the snapshot command was ended by signal %d", WTERMSIG(status));
}

int sp_snapshot_command(const char *command, struct sp_buf *out, struct sp_err *err) {
  int ends[2];
  struct sp_err ignored;
  if (pipe2(ends, O_CLOEXEC)) return sp_fail(err, SP_EIO, "cannot run the snapshot command: %s", strerror(errno));
  pid_t child = fork();
  if (child == 0) become(command, ends[1]);
  close(ends[1]);
  int code = child < 0 ? sp_fail(err, SP_EIO, "cannot run the snapshot command: %s", strerror(errno)) : take_output(ends[0], out, err);
  close(ends[0]);
  if (child < 0) return code;
  if (code) kill(-child, SIGKILL);
  int end_code = reap(child, code ? &ignored : err);
  return code ? code : end_code;
}
