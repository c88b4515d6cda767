/* Runs a fuzz target over the files of the corpus folders given, and over every prefix of each small file. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define PREFIXES_UP_TO 512u

static void run_exact(const uint8_t *bytes, size_t len) {
  /* A copy of just that size, so that a sanitizer sees one byte too many. */
  uint8_t *copy = malloc(len ? len : 1);
  if (!copy) abort();
  memcpy(copy, bytes, len);
  LLVMFuzzerTestOneInput(copy, len);
  free(copy);
}

static int run_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) return -1;
  static uint8_t bytes[1 << 20];
  size_t len = fread(bytes, 1, sizeof(bytes), file);
  fclose(file);
  run_exact(bytes, len);
  for (size_t cut = 0; len <= PREFIXES_UP_TO && cut < len; cut++) run_exact(bytes, cut);
  return 0;
}

int main(int argc, char **argv) {
  unsigned files = 0;
  for (int i = 1; i < argc; i++) {
    DIR *dir = opendir(argv[i]);
    if (!dir) return fprintf(stderr, "replay: no corpus at %s\n", argv[i]), 1;
    for (struct dirent *entry; (entry = readdir(dir));) {
      char path[4096];
      if (entry->d_name[0] == '.') continue;
      snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
      if (run_file(path) == 0) files++;
    }
    closedir(dir);
  }
  printf("replayed %u files\n", files);
  return files == 0;
}
