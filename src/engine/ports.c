/* The range of local ports (engine/validity.h). */
#include "engine/validity.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define TIME_WAIT_S 60.0

bool sp_port_range_parse(const char *text, unsigned *low, unsigned *high) {
  unsigned from, to;
  if (sscanf(text, "%5u %5u", &from, &to) != 2 || from == 0 || to < from || to > 65535) return false;
  *low = from;
  *high = to;
  return true;
}

void sp_port_range_read(const char *path, unsigned *low, unsigned *high) {
  char text[64];
  *low = *high = 0;
  int fd = open(path != NULL ? path : "/proc/sys/net/ipv4/ip_local_port_range", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  ssize_t len = read(fd, text, sizeof(text) - 1);
  close(fd);
  text[len > 0 ? len : 0] = '\0';
  sp_port_range_parse(text, low, high);
}

double sp_port_range_conn_rate(unsigned low, unsigned high) { return (double)(high - low + 1) / TIME_WAIT_S; }
