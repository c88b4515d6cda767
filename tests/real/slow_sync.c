/* Preloaded into a server: each fsync and fdatasync takes SLOW_SYNC_MS longer, as on a slow disk or a network's. */
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_for_the_disk(void) {
  const char *ms = getenv("SLOW_SYNC_MS");
  if (ms) usleep((useconds_t)strtoul(ms, NULL, 10) * 1000u);
}

static int sync_by(const char *name, int fd) {
  union {
    void *object;
    int (*function)(int fd);
  } next = {.object = dlsym(RTLD_NEXT, name)};
  wait_for_the_disk();
  return next.function(fd);
}

int fsync(int fd) { return sync_by("fsync", fd); }
int fdatasync(int fd) { return sync_by("fdatasync", fd); }
